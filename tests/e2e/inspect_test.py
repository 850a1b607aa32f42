"""`heddle inspect` of hundreds of plugins, as pages of documentation, and with what it keeps of them."""
import json
import os
import shutil
import subprocess
import unittest

from program import SOURCE, USAGE, HeddleCase

# A plugin with two types. The number is put into the finished file: five hundred of them need no compiler.
PLUGIN = r"""
#include <heddle/heddle.h>
#include <stddef.h>
#define TYPE(name) "{\"node\":\"" name "\",\"summary\":\"no more than a note\",\"params\":{\"type\":\"object\",\"properties\":{\"factor\":{\"type\":\"number\",\"default\":1,\"description\":\"what each number is multiplied by\"}}}}"
HEDDLE_NOTE(plugin_note, HEDDLE_NOTE_PLUGIN, "{\"plugin\":\"many_@@@\",\"version\":\"1.0.0\"," HEDDLE_NOTE_ABI "}");
HEDDLE_NOTE(one_note, HEDDLE_NOTE_TYPE, TYPE("One@@@"));
HEDDLE_NOTE(two_note, HEDDLE_NOTE_TYPE, TYPE("Two@@@"));
static const void *get_factory(const char *kind) { (void)kind; return NULL; }
HEDDLE_EXPORT const heddle_entry heddle_entry_v1 = {sizeof(heddle_entry), HEDDLE_ABI_MINOR, NULL, NULL, get_factory};
"""


def may_trace():
    return shutil.which("strace") is not None and subprocess.run(["strace", "-o", "/dev/null", "true"], stderr=subprocess.DEVNULL, check=False).returncode == 0


class Pages(HeddleCase):
    def test_markdown_of_a_type_has_what_the_note_says(self):
        page = self.heddle("inspect", "ReadCsv", "--format", "md").out
        self.assertTrue(page.startswith("# ReadCsv\n"), page)
        self.assertIn("| package | heddle-plugins-base |", page)
        self.assertRegex(page, r"\| `path` \| string.* \| required \| The file\. \|")
        for line in page.splitlines():
            if line.startswith("| `"):
                self.assertEqual(line.replace("\\|", "").count("|"), 5, line)

    def test_man_is_a_page_that_roff_takes_without_a_word(self):
        self.assertIn(".Sh \"\\&DESCRIPTION\"\n", self.heddle("inspect", "ReadCsv", "-f", "man").out)
        for subject in ("ReadCsv", "Route", "http", None):
            arguments = ("inspect", *([subject] if subject else []), "-f", "man")
            page = self.heddle(*arguments, env={"SOURCE_DATE_EPOCH": "0"}).out
            self.assertIn(".Dd January  1, 1970\n", page)
            if shutil.which("groff"):
                drawn = subprocess.run(["groff", "-Kutf8", "-Tutf8", "-mdoc", "-ww"], input=page.encode(), capture_output=True, check=True)
                self.assertEqual(drawn.stderr.decode(), "", subject)
                self.assertIn((subject or "heddle-types").encode() + b"(7)", drawn.stdout)

    def test_json_is_json_by_either_name(self):
        self.assertEqual(self.heddle("inspect", "Multiply", "--json").out, self.heddle("inspect", "Multiply", "--format", "json").out)
        self.heddle("inspect", "--format", "html", code=USAGE)

    def test_everything_has_a_page_of_all_types(self):
        page = self.heddle("inspect", "--format", "md").out
        for name in ("Multiply", "Jq", "Sqlite", "http"):
            self.assertIn(f"### {name}\n", page)


class Kept(HeddleCase):
    def setUp(self):
        super().setUp()
        self.plugins = self.path("many")
        os.makedirs(self.plugins)
        made = self.path("made.so")
        subprocess.run(["cc", "-std=c11", "-fPIC", "-fvisibility=hidden", "-shared", f"-I{SOURCE}/plugin-api/include", "-o", made, "-x", "c", "-"], input=PLUGIN.encode(), check=True)
        with open(made, "rb") as file:
            self.bytes = file.read()
        self.cache = self.path("cache-home/heddle/plugins")

    def put(self, number, name=None):
        with open(os.path.join(self.plugins, f"{name or number}.so"), "wb") as file:
            file.write(self.bytes.replace(b"@@@", b"%03d" % number))

    def types(self, *arguments):
        listed = json.loads(self.heddle("inspect", "--json", "--plugin-dir", self.plugins, *arguments).out)
        return {t["node"] for p in listed["plugins"] if p["plugin"].startswith("many_") for t in p["types"]}

    def files_opened(self):
        """The plugins of ours that were opened by a listing."""
        trace = self.path("trace")
        strace = subprocess.run(["strace", "-f", "-e", "trace=openat,open", "-o", trace, os.environ["HEDDLE_PROGRAM"], "inspect", "--plugin-dir", self.plugins],
                                env=self.environment({"ASAN_OPTIONS": "detect_leaks=0"}), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)  # LeakSanitizer is a tracer itself
        self.assertEqual(strace.returncode, 0, strace.stderr)
        return self.read("trace").decode().count(self.plugins + "/")

    def test_five_hundred_plugins_and_what_becomes_of_them(self):
        for i in range(500):
            self.put(i)
        every = {f"{word}{i:03}" for i in range(500) for word in ("One", "Two")}
        self.assertEqual(self.types(), every)
        whole = self.read("cache-home/heddle/plugins")
        self.assertEqual(self.types(), every)
        self.assertEqual(self.read("cache-home/heddle/plugins"), whole, "nothing has changed, and it was written")
        # Another file in the place of one, one more, one less.
        self.put(700, name=3)
        self.put(701)
        os.remove(os.path.join(self.plugins, "5.so"))
        every = every - {"One003", "Two003", "One005", "Two005"} | {"One700", "Two700", "One701", "Two701"}
        self.assertEqual(self.types(), every)
        self.assertEqual(self.types("--refresh"), every)

    def test_a_cache_that_is_not_whole_is_made_anew(self):
        for i in range(20):
            self.put(i)
        every = self.types()
        whole = self.read("cache-home/heddle/plugins")
        for wrong in (b"", whole[:-1], whole[: len(whole) // 2], b"\0" * len(whole), whole[:200] + b"\xff" + whole[201:], b"heddle notes 1\n"):
            with open(self.cache, "wb") as file:
                file.write(wrong)
            self.assertEqual(self.types(), every)
            self.assertEqual(self.read("cache-home/heddle/plugins"), whole)
        os.remove(self.cache)
        os.makedirs(self.cache)  # it cannot even be written
        self.assertEqual(self.types(), every)

    @unittest.skipUnless(may_trace(), "skipped: strace cannot trace here")
    def test_what_is_known_is_not_opened(self):
        for i in range(20):
            self.put(i)
        self.assertGreaterEqual(self.files_opened(), 20)
        self.assertEqual(self.files_opened(), 0)
        self.put(21)
        self.assertEqual(self.files_opened(), 1)


if __name__ == "__main__":
    unittest.main()
