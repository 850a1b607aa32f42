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

    def codes(self, manifest, *arguments):
        """The codes of all errors, sorted."""
        answer = self.heddle("validate", self.write("bad.json", manifest), "--json", *arguments, code=INVALID)
        return sorted(d["code"] for d in json.loads(answer.out)["diagnostics"] if d["severity"] == "error")

    def test_no_error_hides_another_of_a_later_check(self):
        ecoh, multiply = node("e", "Ecoh"), node("m", "Multiply", {"factor": 2})
        later = ["bad-param", "bad-param", "unknown-node-type"]  # a missing param and an unknown one
        for first, code in ((node("a", "Echo", nme=1), "unknown-key"), (node("a", "Echo", lane="x"), "unknown-lane"),
                            (node("a", "Echo", timeout_ms=-1), "out-of-range"), (node("e", "Echo"), "duplicate-id")):
            with self.subTest(code):
                self.assertEqual(self.codes(pipeline(ecoh, multiply, first, connections=[("e", "m")])), sorted([code, *later]))
        self.assertEqual(self.codes(pipeline(node("a", "Echo"), plugins=[{"name": "node_absent"}], run={"on_error": "x"})),
                         ["plugin-missing", "unknown-choice"])
        self.assertEqual(self.codes(pipeline(node("a", "Echo"), node("b", "Echo"), connections=[("a", "b"), ("a", "b"), ("a.x", "b"), ("a", "zz")])),
                         ["duplicate-connection", "no-such-port", "unknown-node"])

    def test_references_that_fail_are_all_reported_and_nothing_that_follows_from_them(self):
        bad = node("b", "Multiply", {"multiplier": "${param.x} ${env.HEDDLE_TEST_UNSET} ${what}"})
        self.assertEqual(self.codes(pipeline(node("a", "Ecoh"), bad)), ["bad-reference", "unknown-node-type", "unknown-param", "unset-variable"])
        self.assertEqual(self.codes(pipeline(node("a", "Route", {"cases": [{"port": "${env.HEDDLE_TEST_UNSET}", "when": "."}]}),
                                             node("b", "Echo"), connections=[("a.eu", "b")])), ["unset-variable"])
        self.assertEqual(self.codes(pipeline(node("${what}", "Echo"), node("b", "${what}"), connections=[("${what}", "b")])), ["bad-reference"] * 3)
        self.assertEqual(self.codes(pipeline(node("b", "Multiply", {"multiplier": "${param.n}"}), params={"n": {"type": "number"}})), ["missing-param"])

    def test_params_that_are_no_map_and_nodes_that_are_missing_are_said_once(self):
        self.assertEqual(self.codes(pipeline(node("a", "Multiply", [2]))), ["wrong-type"])
        self.assertEqual(self.codes({"version": "heddle/1", "connections": [{"from": "a", "to": "b"}]}), ["missing-key"])

    def test_a_cycle_is_printed(self):
        manifest = pipeline(node("a", "PassThrough"), node("b", "PassThrough"), node("c", "PassThrough"), connections=[("a", "b"), ("b", "c"), ("c", "a")])
        self.refuse(manifest, r"cycle", r"a (→|->) b (→|->) c (→|->) a|b (→|->) c (→|->) a (→|->) b|c (→|->) a (→|->) b (→|->) c")

    def test_an_activity_spec(self):
        good = self.write("good.yaml", "name: thumbnails\nversion: 1.2.0\nactivities:\n  - id: resize\n    input_params: [{name: image, type: string}]\n")
        self.assertEqual(self.heddle("validate", good).out, "ok: 1 activity\n")
        wrong = self.write("wrong.yml", "name: thumbnails\nversion: 1.2.0\nactivities:\n  - id: resize\n    input_params: [{name: image, type: strng}]\n")
        answer = self.heddle("validate", wrong, code=INVALID)
        self.assertIn('wrong.yml:5:40: error[bad-type]: there is no type "strng"; did you mean "string"?', answer.err)
        said = json.loads(self.heddle("validate", wrong, "--json", code=INVALID).out)
        self.assertEqual((said["ok"], said["diagnostics"][0]["line"], said["diagnostics"][0]["column"]), (False, 5, 40))

    def test_a_node_connected_to_itself(self):
        self.refuse(pipeline(node("a", "PassThrough"), connections=[("a", "a")]), "connected to itself")

    def test_unknown_node_type_with_a_suggestion(self):
        self.refuse(pipeline(node("a", "Ecoh")), r"Ecoh", r'did you mean "Echo"')

    def test_a_type_that_is_not_installed_gets_a_hint_without_any_plugin(self):
        os.mkdir(self.path("bin"))
        shutil.copy(program.PROGRAM, self.path("bin/heddle"))
        types = (("EchoNode", "apt install heddle-plugins-base"), ("ReadCvs", 'did you mean "ReadCsv"'),
                 ("RemotePipeline", "apt install heddle-plugins-base"), ("ChainSubmit", "apt install heddle-plugins-base"))
        for node_type, hint in types:
            path = self.write("m.json", pipeline(node("a", node_type)))
            answer = subprocess.run([self.path("bin/heddle"), "validate", path], capture_output=True, text=True, env=self.environment(), check=False)
            self.assertEqual(answer.returncode, INVALID, answer)
            self.assertRegex(answer.stderr, r"(?m)hint: .*" + hint)

    def test_a_type_of_a_refused_plugin_gets_a_hint(self):
        path = self.write("m.json", pipeline(node("a", "BrokenOther")))
        shutil.copy(os.path.join(BUILD, "tests", "broken", "other_major.so"), self.folder)
        answer = self.heddle("validate", "--plugin-dir", self.folder, path, code=INVALID)
        self.assertRegex(answer.err, r"hint: .*other_major\.so: .*ABI major 2, this host has major 1")

    def test_a_program_that_is_none_is_shown_at_its_place(self):
        bad = pipeline(node("j", "Jq", {"program": ".a |"}), node("k", "Jq", {"program": "."}),
                       node("r", "Route", {"cases": [{"port": "x", "when": "."}, {"port": "y", "when": "nope"}]}))
        path = self.write("m.json", bad)
        verdict = json.loads(self.heddle("validate", path, "--json", code=INVALID).out)
        expected = [("bad-param", "/nodes/0/params/program"), ("bad-param", "/nodes/2/params/cases/1/when")]
        self.assertEqual([(d["code"], d["pointer"]) for d in verdict["diagnostics"] if d["severity"] == "error"], expected)
        answer = self.heddle("run", path, stdin=b"1\n", code=INVALID)
        self.assertRegex(answer.err, r'm\.json:1:\d+: error\[bad-param\]: node "j" \(Jq\).*no jq program')
        self.assertEqual(answer.err.count("error["), 2)

    def test_a_port_named_error_is_refused(self):
        self.refuse(pipeline(node("r", "Route", {"cases": [{"port": "error", "when": "."}]})), r"reserved-port", r"items that fail")

    def test_messages_say_what_would_do(self):
        self.refuse(pipeline(node("s", "Sample", {})), r'one of the params "every", "first" and "fraction" is required')
        self.refuse(pipeline(node("a", "Aggregate", {"op": "count", "window": {"items": 1, "ms": 1}})),
                    r'"window" may have only one of "items" and "ms", but has "items" and "ms"')
        self.refuse(pipeline(node("e", "Echo", order="by_key")), r'"strict", "none" or \{"by_key": …\}', r'write \{"by_key"')
        self.refuse(pipeline(node("e", "Echo", merge="zip")), r'write \{"mode": "zip"\}')

    def test_only_what_came_from_a_secret_is_redacted(self):
        path = self.write("m.json", pipeline(node("e", "Echo"), params={"n": {"type": "integer", "max": 9}, "key": {"type": "secret"}}))
        answer = self.heddle("validate", path, "--param", "key=1234", "--param", "n=12345", code=INVALID)
        self.assertIn("--param n=12345: the param must be at most 9, but is 12345", answer.err)
        self.assertNotIn("***", answer.err)

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
