"""sdk/rust: the ABI is not C++'s. Its plugins are built here, offline, with Debian's compiler or a newer one, and run."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

from program import DEAD_LETTERS, FAILED, INVALID, PROGRAM, SANITIZED, SOURCE, USAGE, HeddleCase, lines, node, pipeline
from readme_test import blocks
from rust_abi import differences

sys.path.insert(0, os.path.join(SOURCE, "tests", "abi"))
from layout import current_layout  # noqa: E402

PROBE = os.path.join(SOURCE, "tests", "e2e", "foreign", "node_probe.rs")
RUSTC, CARGO = os.environ.get("RUSTC", "rustc"), os.environ.get("CARGO", "cargo")
OLDEST = (1, 63)  # Debian 12's


def said_by(*command):
    """What the command prints, or None where it is not there or does not work."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return None
    return done.stdout if done.returncode == 0 else None


def why_not():
    version = re.match(r"rustc (\d+)\.(\d+)", said_by(RUSTC, "--version") or "")
    if not version:
        return "no Rust is installed: apt install rustc cargo"
    if tuple(map(int, version.groups())) < OLDEST:
        return f"the plugins need rustc {OLDEST[0]}.{OLDEST[1]}; this is {version.group(0)}"
    return None


def build(*command, folder=None, fails=False):
    """Runs a compiler; the answer is what it says. Not in the environment of heddle: rustup looks below the home of whoever runs this."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if (done.returncode != 0) != fails:
        raise AssertionError(f"{command}\n{done.stdout}\n{done.stderr}")
    return done.stdout + done.stderr


class Workshop:
    """The crate in a folder of its own, built with the compiler alone, as by whoever has no cargo; once for all tests."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="heddle-rust-")
        self.crate = os.path.join(self.folder, "rust")
        shutil.copytree(os.path.join(SOURCE, "sdk", "rust"), self.crate, ignore=shutil.ignore_patterns("target", "Cargo.lock"))
        self.built = {}
        self.rustc("--crate-type", "rlib", "--crate-name", "heddle_plugin", "-o", "libheddle_plugin.rlib", "src/lib.rs")

    def rustc(self, *arguments, **more):
        return build(RUSTC, "--edition", "2021", "-Dwarnings", "-O", *arguments, folder=self.crate, **more)

    def with_crate(self, *arguments, **more):
        return self.rustc("--extern", "heddle_plugin=libheddle_plugin.rlib", *arguments, **more)

    def plugin(self, source):
        if source not in self.built:
            self.built[source] = os.path.join(self.folder, f"plugin{len(self.built)}.so")
            self.with_crate("--crate-type", "cdylib", "-o", self.built[source], source)
        return self.built[source]


def setUpModule():
    global workshop
    if why_not():
        print(f"skipped: {why_not()}", file=sys.stderr)
        raise unittest.SkipTest(why_not())
    workshop = Workshop()
    unittest.addModuleCleanup(shutil.rmtree, workshop.folder)


class RustCase(HeddleCase):
    def setUp(self):
        super().setUp()
        self.plugins = self.path("plugins")
        os.mkdir(self.plugins)

    def example(self):
        return shutil.copy(workshop.plugin("examples/node_reverse/src/lib.rs"), f"{self.plugins}/node_reverse.so")

    def run_here(self, manifest, items, **more):
        return self.run_manifest(manifest, items, "--plugin-dir", self.plugins, "--dead-letters", self.path("dead"), **more)

    def letters(self):
        return [json.loads(line) for line in self.read("dead").splitlines()]

    def assert_a_plugin(self, file):
        """One symbol goes out, none of heddle's comes in."""
        exported = [line.split()[-1] for line in build("nm", "-D", "--defined-only", file).splitlines() if line]
        self.assertEqual(exported, ["heddle_entry_v1"])
        self.assertNotIn("heddle", build("nm", "-D", "--undefined-only", file).replace(file, ""))


class Layout(RustCase):
    def layouts(self):
        workshop.with_crate("-o", self.path("layout"), "examples/layout.rs")
        return current_layout(os.path.join(SOURCE, "plugin-api", "include"), os.environ.get("CC", "cc")), build(self.path("layout")).splitlines()

    def test_the_structs_are_those_of_the_headers(self):
        headers, rust = self.layouts()
        self.assertGreater(len(rust), 100)
        self.assertEqual(list(differences(headers, rust)), [])
        # Each of these would be a plugin that breaks, and is found.
        for was, wrong in (("heddle_host abi_minor 4", "heddle_host abi_minor 8"), ("len 8 8 usize", "len 8 8 u64"), ("details_or_null:*const", "details_or_null:*mut"),
                           ("struct heddle_object get_extension", "struct heddle_object extension"), ("HEDDLE_IO -11", "HEDDLE_IO -12"), ("heddle.op/1", "heddle.op/2"),
                           ("items:*const*mut", "items:*mut*const"), ("->heddle_kind", "->u32")):
            changed = [line.replace(was, wrong) for line in rust]
            self.assertNotEqual(changed, rust, was)
            self.assertNotEqual(list(differences(headers, changed)), [], wrong)
        short = [line for line in rust if not line.startswith("struct heddle_object get_extension")]
        self.assertEqual(len(list(differences(headers, short))), 1)
        # A member that a later minor appends is nothing to a plugin of today.
        self.assertEqual(list(differences(headers + ["struct heddle_node 72 8 void (*later)(void *self) HEDDLE_FN"], rust)), [])

    def test_the_crate_tests_itself(self):
        workshop.rustc("--test", "-o", self.path("unit"), "src/lib.rs")
        self.assertRegex(build(self.path("unit")), r"test result: ok\. [1-9]")


class Example(RustCase):
    def test_cargo_builds_it_offline(self):
        if said_by(CARGO, "--version") is None:
            self.skipTest("no cargo is installed: apt install cargo")
        build(CARGO, "build", "--offline", "--release", "--quiet", "--target-dir", self.path("target"), folder=os.path.join(workshop.crate, "examples", "node_reverse"))
        built = shutil.copy(self.path("target/release/libnode_reverse.so"), self.plugins)
        self.assert_a_plugin(built)
        self.assertEqual(self.run_here(pipeline(node("turn", "ReverseWords")), ["to be or not"]).items, ["not or be to"])

    def test_the_readme_does_what_it_says(self):
        if said_by(CARGO, "--version") is None:
            self.skipTest("no cargo is installed: apt install cargo")
        with open(os.path.join(SOURCE, "sdk", "rust", "README.md"), encoding="utf-8") as file:
            found = list(blocks(file.read()))
        os.mkdir(self.path("src"))
        self.assertEqual([language for language, *_ in found], ["toml", "rust", "bash", "text"])
        (_, manifest, toml, _), (_, source, rust, _), (_, _, commands, expected), _ = found
        self.write(manifest, toml.replace("../sdk/rust", workshop.crate))
        self.write(source, rust)
        environment = {**os.environ, "PATH": f"{os.path.dirname(PROGRAM)}:{os.environ['PATH']}"}
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", commands.replace("cargo build", f"{CARGO} build")], cwd=self.folder, capture_output=True, text=True, env=environment, check=False)
        self.assertEqual(done.stdout, expected, done.stderr)

    def test_items_go_through_and_a_wrong_one_fails_alone(self):
        self.assert_a_plugin(self.example())
        manifest = pipeline(node("pass", "PassThrough"), node("turn", "ReverseWords", {"separator": "-", "at_most": 3}), node("echo", "Echo"))
        answer = self.run_here(manifest, ["a-b-c", 7, "", "a-b-c-d", "ä-ß-€"], code=DEAD_LETTERS)
        self.assertEqual([i["input"] for i in answer.items], ["c-b-a", "", "€-ß-ä"])
        wrong, long = self.letters()
        self.assertEqual((wrong["node"], wrong["sequence"], wrong["item"], wrong["code"]), ("turn", 2, 7, "not-a-text"))
        self.assertEqual(wrong["message"], "ReverseWords takes a text; this is a number")
        self.assertEqual((long["sequence"], long["message"]), (4, '4 words, and "at_most" is 3'))

    def test_what_is_held_comes_at_the_end(self):
        self.example()
        manifest = pipeline(node("count", "CountKinds"), node("kept", "PassThrough"), node("told", "PassThrough"), connections=[("count", "kept"), ("count.counts", "told")])
        by_node = self.run_here(manifest, [1, "a", 2.5, [], None, "b"] * 100).by_node
        self.assertEqual(len(by_node["kept"]), 600)
        self.assertEqual(by_node["told"], [{"a number": 200, "a text": 200, "a list": 100, "null": 100}])

    def test_wrong_params_are_errors_at_their_place(self):
        self.example()
        where = ("--plugin-dir", self.plugins)
        for params, said in (({"at_most": 0}, "/nodes/0/params/at_most"), ({"at_mots": 2}, "at_mots"), ({"separator": 7}, "/nodes/0/params/separator")):
            answer = self.heddle("validate", self.write("bad.json", pipeline(node("turn", "ReverseWords", params))), "--json", *where, code=INVALID)
            self.assertIn(said, answer.out + answer.err)
        # No schema says this: the node does, when it is made.
        answer = self.heddle("run", self.write("bad.json", pipeline(node("turn", "ReverseWords", {"separator": ""}))), "--input", "-", *where, code=INVALID)
        self.assertIn('the param "separator" is empty', answer.err)
        self.assertIn("turn", answer.err)

    def test_inspect_knows_it_also_after_strip(self):
        file = self.example()
        build("strip", file)
        for answer in (self.heddle("inspect", file), self.heddle("inspect", "ReverseWords", "--plugin-dir", self.plugins)):
            for said in ("node_reverse 1.0.0, Apache-2.0", "Turns the words of a text around", "one call at a time", "What stands between words"):
                self.assertIn(said, answer.out)
        self.assertEqual(self.run_here(pipeline(node("turn", "ReverseWords")), ["a b"]).items, ["b a"])

    def test_check_finds_nothing_wrong(self):
        if self.heddle("help", "check", code=None).code == USAGE:
            self.skipTest("this heddle has no verb \"check\"")
        self.heddle("check", self.example())


class Border(RustCase):
    def setUp(self):
        super().setUp()
        shutil.copy(workshop.plugin(PROBE), f"{self.plugins}/node_probe.so")

    def test_values_of_every_kind_are_taken_apart_and_put_together(self):
        wide = 2**100
        items = [None, True, False, 0, -2**63, 1.5, "ä\u0000\"", "", [], [[1], {}], {"b": 1, "a": [None, {"x": "y"}]}]
        answer = self.run_here(pipeline(node("probe", "Probe")), [*items, wide])
        self.assertEqual(answer.items, [*items, wide])
        answer = self.run_here(pipeline(node("probe", "Probe")), [{"do": "bytes"}, {"do": "filter"}, {"do": "envelope"}])
        self.assertEqual(answer.items, ["AAH/", [3, {"do": "envelope"}, {"do": "envelope"}]])

    def test_a_failure_or_a_panic_costs_its_item_only(self):
        failing = {"wrong port": "output port 7", "twice the same key": "cannot make an object", "not a number": "NaN", "not JSON": "value from JSON", "unavailable": "the other side sleeps",
                   "panic": r"panicked at \S*node_probe\.rs:\d+:\d+: panic is no good", "panic with a bomb": r"panicked at \S*node_probe\.rs:\d+:\d+: no text"}
        items = [item for name in failing for item in ({"do": name}, {"after": name})]
        answer = self.run_here(pipeline(node("probe", "Probe")), items, code=DEAD_LETTERS)
        self.assertEqual(answer.items, [{"after": name} for name in failing])
        self.assertEqual(len(answer.report["faults"]), 1)  # the port that is not there is the only thing that breaks the contract
        self.assertIn("emitted on output port 7", answer.report["faults"][0])
        letters = {letter["item"]["do"]: letter for letter in self.letters()}
        self.assertEqual(set(letters), set(failing))
        for name, said in failing.items():
            self.assertRegex(letters[name]["message"], said)
        self.assertEqual((letters["unavailable"]["class"], letters["unavailable"]["code"]), ("retryable", "sleeps"))
        self.assertEqual(letters["panic"]["code"], "panic")
        self.assertNotIn("RUST_BACKTRACE", answer.err)  # told once, by the failure

    def test_a_panic_outside_of_an_item_is_a_failure_too(self):
        for when, code, said in (("create", FAILED, "panicked at .*: in create"), ("activate", FAILED, "panicked at .*: in activate"), ("finish", DEAD_LETTERS, "panicked at .*: in finish")):
            with self.subTest(when):
                manifest = self.write("manifest.json", pipeline(node("probe", "Probe", {"panic": when})))
                answer = self.heddle("run", manifest, "--input", "-", "--plugin-dir", self.plugins, "--dead-letters", self.path("dead"), stdin=b"1\n", code=code)
                told = answer.err + (self.read("dead").decode() if when == "finish" else "")
                self.assertRegex(told, said)
        self.assertEqual(self.run_here(pipeline(node("probe", "Probe", {"panic": "destroy"})), [1, 2]).items, [1, 2])

    @unittest.skipIf(SANITIZED, "sanitizers multiply the memory")
    def test_every_reference_is_given_back(self):
        long = "x" * 3300
        kinds = [{"list": ["x", {"deep": [1.5]}]}, {"do": "envelope"}, *({"do": name, "text": long} for name in ("panic", "wrong port", "twice the same key"))]
        block = lines(kinds * 200)
        with open(self.path("in"), "wb") as file:
            for _ in range(100):  # about 200 MB
                file.write(block)
        command = [PROGRAM, "run", self.write("m.json", pipeline(node("probe", "Probe"))), "--plugin-dir", self.plugins, "--input", self.path("in"), "--output", "/dev/null",
                   "--dead-letters", "/dev/null", "--threads", "2"]
        with open(self.path("err"), "wb") as err:
            process = subprocess.Popen(command, env=self.environment(), stderr=err)
            _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(process.returncode, DEAD_LETTERS, self.read("err")[-2000:])
        self.assertLess(usage.ru_maxrss, 80 * 1024)

    def test_a_descriptor_that_says_what_is_the_crates_to_say_does_not_compile(self):
        with open(PROBE, encoding="utf-8") as file:
            source = file.read()
        for members, said in (('"concurrency":"parallel","params"', "a Node is serial"), ('"max_in_flight":2,"params"', "answers before"), ('"parms"', "JSON Schema")):
            wrong = self.write("wrong.rs", source.replace('r#""params"', f'r#"{members}'))
            self.assertIn(said, workshop.with_crate("--crate-type", "cdylib", "-o", self.path("wrong.so"), wrong, fails=True))

    def test_a_plugin_whose_panics_would_end_the_host_does_not_compile(self):
        said = workshop.with_crate("-Cpanic=abort", "--crate-type", "cdylib", "-o", self.path("wrong.so"), PROBE, fails=True)
        self.assertIn("built with panic=unwind", said)


if __name__ == "__main__":
    unittest.main()
