"""A wrong manifest: one clear error at its place, exit code 78, and nothing runs."""
import json
import os
import re
import shutil
import subprocess
import unittest

import program
from program import BUILD, INVALID, IO, OK, HeddleCase, node, pipeline

GOOD = json.dumps(pipeline(node("a", "PassThrough"), node("b", "Echo")), indent=1).encode()


class BadManifest(HeddleCase):
    def refuse(self, manifest, *expected, verb=("validate",)):
        """The program refuses the manifest with messages that contain every one of `expected`."""
        path = self.write("bad.json", manifest)
        answer = self.heddle(*verb, path, code=INVALID)
        for text in expected:
            self.assertRegex(answer.err, text)
        return answer

    def test_cut_at_any_byte(self):
        self.heddle("validate", self.write("good.json", GOOD))
        for end in range(len(GOOD)):
            with self.subTest(end=end):
                self.refuse(GOOD[:end], r"bad\.json:\d+:\d+: error")

    def test_broken_at_any_byte(self):
        for at in range(len(GOOD)):
            for byte in (b"\x00", b"\xff"):
                with self.subTest(at=at, byte=byte):
                    self.refuse(GOOD[:at] + byte + GOOD[at + 1:], r"bad\.json:\d+:\d+: error")

    def test_run_of_a_broken_manifest_writes_nothing(self):
        answer = self.refuse(GOOD[:-1], "bad.json", verb=("run", "--output", self.path("out")))
        self.assertEqual(answer.out, "")
        self.assertFalse(os.path.exists(self.path("out")))

    def test_the_place_is_line_and_column_with_a_caret(self):
        answer = self.refuse('{\n  "version": "heddle/1",\n  "nodes": [ x ]\n}\n', r"bad\.json:3:14: error")
        self.assertRegex(answer.err, r'(?m)^.*"nodes": \[ x \]\n[^\n]*\^')

    def test_two_million_nested_brackets(self):
        for text in ("[" * 2_000_000, '{"version":"heddle/1","x-deep":' + "[" * 2_000_000 + "]" * 2_000_000 + "}", '{"a":' * 2_000_000):
            self.refuse(text, r"(?i)(depth|nested|deep)")

    def test_over_the_size_limit(self):
        answer = self.heddle("validate", self.write("bad.json", b" " * ((16 << 20) + 1)), code=None)
        self.assertIn(answer.code, (IO, INVALID))
        self.assertRegex(answer.err, r"16 MiB|16777216|16,777,216")

    def test_empty_and_of_the_wrong_kind(self):
        for text in ("", " \n", "[]", "null", "3", '"x"'):
            self.refuse(text)

    def test_duplicate_keys(self):
        self.refuse('{"version":"heddle/1","nodes":[],\n"nodes":[]}', r"bad\.json:2:1: error\[duplicate-key\]", "nodes")
        self.refuse('{"version":"heddle/1","nodes":[{"id":"a","node_type":"Echo","params":{"x":1,"x":2}}]}', r"duplicate")

    def test_unknown_key_with_a_suggestion(self):
        manifest = pipeline({"id": "a", "node_tpye": "Echo"})
        self.refuse(manifest, r"node_tpye", r'did you mean "node_type"')

    def test_an_extension_key_is_no_error(self):
        self.heddle("validate", self.write("x.json", pipeline(node("a", "Echo", **{"x-note": {"any": 1}}))))

    def test_every_error_is_reported_at_once(self):
        manifest = pipeline(node("a", "Ecoh"), node("a", "Echo"), {"id": "c", "node_type": "Echo", "lane": 3}, connections=[("a", "zz")])
        answer = self.refuse(manifest, r"zz", r"duplicate")
        self.assertGreaterEqual(answer.err.count("error["), 3, answer)

    def test_a_cycle_is_printed(self):
        manifest = pipeline(node("a", "PassThrough"), node("b", "PassThrough"), node("c", "PassThrough"), connections=[("a", "b"), ("b", "c"), ("c", "a")])
        self.refuse(manifest, r"cycle", r"a (→|->) b (→|->) c (→|->) a|b (→|->) c (→|->) a (→|->) b|c (→|->) a (→|->) b (→|->) c")

    def test_a_node_connected_to_itself(self):
        self.refuse(pipeline(node("a", "PassThrough"), connections=[("a", "a")]), "connected to itself")

    def test_unknown_node_type_with_a_suggestion(self):
        self.refuse(pipeline(node("a", "Ecoh")), r"Ecoh", r'did you mean "Echo"')

    def test_unknown_node_type_names_the_package_that_has_it(self):
        # An installation in which node_jq is missing: the program by itself, with one plugin.
        os.mkdir(self.path("bin"))
        os.mkdir(self.path("plugins"))
        shutil.copy(program.PROGRAM, self.path("bin/heddle"))
        found = subprocess.run(["find", os.path.join(BUILD, "plugins"), "-name", "*node_std.so"], capture_output=True, text=True, check=True)
        shutil.copy(found.stdout.split()[0], self.path("plugins"))
        path = self.write("m.json", pipeline(node("a", "PassThrough"), node("b", "Filter", {"when": "."})))
        answer = subprocess.run([self.path("bin/heddle"), "validate", path], capture_output=True, text=True,
                                env=self.environment({"HEDDLE_PLUGIN_PATH": self.path("plugins")}), check=False)
        self.assertEqual(answer.returncode, INVALID, answer)
        self.assertRegex(answer.stderr, r"heddle-plugin-jq")
        self.assertNotIn("PassThrough", answer.stderr.split("error[")[0])

    def test_dangling_connections(self):
        two = (node("first", "PassThrough"), node("second", "PassThrough"))
        self.refuse(pipeline(*two, connections=[("first", "secnd")]), r"secnd", r'did you mean "second"')
        self.refuse(pipeline(*two, connections=[("first.left", "second")]), r"left")
        self.refuse(pipeline(*two, connections=[("first", "second.left")]), r"left")

    def test_unknown_lane_and_policy(self):
        self.refuse(pipeline(node("a", "Echo", lane="promt")), r"promt", r'did you mean "prompt"')
        self.refuse(pipeline(node("a", "Echo", policy="remote"), policies={"remotes": {"attempt_timeout_ms": 5}}), r'did you mean "remotes"')

    def test_wrong_params_are_told_at_their_place(self):
        text = '{"version": "heddle/1",\n "nodes": [{"id": "m", "node_type": "Multiply",\n  "params": {"multiplier": "two"}}]}\n'
        self.refuse(text, r"bad\.json:3:\d+: error", r"multiplier")
        self.refuse(text.replace('"two"', "2").replace("multiplier", "multipler"), r"bad\.json:3:\d+", r'did you mean "multiplier"')

    def test_unresolved_substitution(self):
        self.refuse(pipeline(node("l", "Log", {"message": "${param.nope}"})), r"nope")

    def test_a_wrong_version(self):
        self.refuse({"version": "heddle/9", "nodes": []}, r"heddle/9")

    def test_json_gives_the_same_as_data(self):
        path = self.write("bad.json", '{"version":"heddle/1",\n"nodes":[{"id":"a","node_type":"Ecoh"}]}')
        verdict = json.loads(self.heddle("validate", path, "--json", code=INVALID).out)
        self.assertFalse(verdict["ok"])
        found = verdict["diagnostics"][0]
        self.assertEqual((found["line"], found["pointer"]), (2, "/nodes/0/node_type"))
        self.assertIn("Echo", found["hint"])

    def test_levels(self):
        path = self.write("m.json", pipeline(node("a", "NoSuchType"), connections=[("a", "a")]))
        self.heddle("validate", path, "--level", "syntax", code=OK)
        graph = self.heddle("validate", path, "--level", "graph", code=INVALID)
        self.assertNotIn("NoSuchType", re.sub(r"(?m)^ .*$", "", graph.err))
        self.assertIn("NoSuchType", self.heddle("validate", path, code=INVALID).err)

    def test_a_missing_file_and_a_folder_are_io_errors(self):
        self.assertIn("nowhere.json", self.heddle("validate", "nowhere.json", code=IO).err)
        self.heddle("run", ".", code=IO)


if __name__ == "__main__":
    unittest.main()
