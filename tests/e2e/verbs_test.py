"""Every verb of the command line, and the exit codes that scripts rely on."""
import json
import os
import subprocess
import unittest
import xml.etree.ElementTree

from program import DEAD_LETTERS, FAILED, INVALID, IO, OK, PROGRAM, SOURCE, TIMEOUT, USAGE, HeddleCase, node, pipeline

DIAMOND = pipeline(node("first", "PassThrough"), node("left", "Add", {"addend": 1}), node("right", "Multiply", {"multiplier": 2}),
                   node("last", "Merge"),
                   connections=[("first", "left"), ("first", "right"), ("left", "last"), ("right", "last")])


class Verbs(HeddleCase):
    def diamond(self):
        return self.write("diamond.json", DIAMOND)

    def test_run_from_pipe_to_pipe_and_from_file_to_file(self):
        path = self.write("m.json", pipeline(node("e", "Echo")))
        expected = b'{"input":7,"counter":1,"node":"Echo"}\n'
        self.assertEqual(self.heddle("run", path, stdin=b"7\n").out_bytes, expected)
        answer = self.heddle("run", path, "--input", self.write("in", "7\n"), "--output", self.path("out"))
        self.assertEqual((answer.out, answer.err), ("", ""))
        self.assertEqual(self.read("out"), expected)

    def test_run_takes_params(self):
        path = self.write("m.json", pipeline(node("m", "Multiply", {"multiplier": 1}), params={"unused": {"type": "number", "default": 1}}))
        self.heddle("run", path, "--param", "unused=3", stdin=b"1\n")
        self.heddle("run", path, "--param", "nope=3", stdin=b"1\n", code=None)
        self.heddle("run", path, "--param", "broken", stdin=b"1\n", code=USAGE)

    def test_run_stats_balance(self):
        answer = self.heddle("run", self.diamond(), "--input", "-", "--stats", stdin=b"1\n2\n3\n")
        self.assertRegex(answer.err, r"(?m)^input -> first +3 +3 ")
        self.assertIn("the counts balance", answer.err)
        self.assertEqual(sorted(answer.items), [2, 2, 3, 4, 4, 6])

    def test_run_with_every_number_of_threads(self):
        for threads in ("1", "2", "8"):
            answer = self.heddle("run", self.diamond(), "--threads", threads, stdin=b"1\n2\n3\n")
            self.assertEqual(sorted(answer.items), [2, 2, 3, 4, 4, 6])
        self.heddle("run", self.diamond(), "--threads", "0", code=USAGE)

    def test_progress_goes_to_stderr_as_plain_lines(self):
        answer = self.heddle("run", self.diamond(), "--progress", stdin=b"1\n")
        self.assertNotIn("\x1b", answer.err)
        self.assertEqual(len(answer.items), 2)

    def test_validate(self):
        self.assertIn("4 nodes", self.heddle("validate", self.diamond()).out)
        self.assertTrue(json.loads(self.heddle("validate", self.diamond(), "--json").out)["ok"])
        self.assertEqual(self.heddle("validate", self.diamond(), "-q").out, "")

    def test_validate_reads_standard_input(self):
        self.heddle("validate", "-", stdin=json.dumps(DIAMOND).encode())

    def test_plan_says_where_and_why(self):
        text = self.heddle("plan", self.diamond()).out
        for id in ("first", "left", "right", "last"):
            self.assertIn(id, text)
        self.assertIn("local", text)
        self.assertIsInstance(json.loads(self.heddle("plan", self.diamond(), "--json").out), dict)

    def test_plan_full_prints_every_default(self):
        short, full = self.heddle("plan", self.diamond()).out, self.heddle("plan", self.diamond(), "--full").out
        self.assertGreater(len(full), len(short))
        for key in ("timeout_ms", "max_attempts", "drain_ms", "on_error"):
            self.assertIn(key, full)

    def test_graph_in_every_format(self):
        path = self.diamond()
        self.assertRegex(self.heddle("graph", path, "-f", "dot").out, r"(?s)^digraph.*first.*->.*\}\s*$")
        self.assertRegex(self.heddle("graph", path, "-f", "mermaid").out, r"^(flowchart|graph) ")
        self.assertIn("right", self.heddle("graph", path, "-f", "ascii").out)
        root = xml.etree.ElementTree.fromstring(self.heddle("graph", path, "-f", "svg").out)
        self.assertTrue(root.tag.endswith("svg"))
        texts = "".join(root.itertext())
        for id in ("first", "left", "right", "last"):
            self.assertIn(id, texts)

    def test_graph_escapes_what_ids_contain(self):
        strange = pipeline(node("a<b>&\"c", "PassThrough"))
        path = self.write("m.json", strange)
        if self.heddle("validate", path, code=None).code == OK:
            xml.etree.ElementTree.fromstring(self.heddle("graph", path, "-f", "svg").out)

    def test_inspect_lists_describes_and_reads_a_file(self):
        everything = self.heddle("inspect").out
        for name in ("node_std", "node_file", "node_jq", "transport_http", "Echo", "Filter", "http (transport)"):
            self.assertIn(name, everything)
        self.assertIn("multiplier", self.heddle("inspect", "Multiply").out)
        transport = self.heddle("inspect", "http").out
        self.assertIn("backlog", transport)
        self.assertNotIn("inputs", transport)
        self.assertRegex(self.heddle("inspect", "Sqlite").out, r"(?s)kind +store.*durable +yes.*path")
        self.assertRegex(self.heddle("inspect", "Memory").out, r"durable +no")
        data = json.loads(self.heddle("inspect", "--json").out)
        self.assertIn("node_std", json.dumps(data))
        answer = self.heddle("inspect", "Multipy", code=None)
        self.assertNotEqual(answer.code, OK)
        self.assertIn("Multiply", answer.err)

    def test_schema_is_a_json_schema_that_knows_the_installed_types(self):
        schema = json.loads(self.heddle("schema").out)
        self.assertIn("draft-07", schema["$schema"])
        self.assertIn("multiplier", json.dumps(schema))
        with open(f"{SOURCE}/manifests/heddle-1.schema.json", encoding="utf-8") as file:
            self.assertIn("draft-07", json.load(file)["$schema"])

    def test_test_runs_the_tests_of_a_manifest(self):
        good = {"in": {"m": [1, 2]}, "expect": {"m": [3, 6]}}
        bad = {"in": {"m": [1]}, "expect": {"m": [4]}}
        manifest = pipeline(node("m", "Multiply", {"multiplier": 3}), tests=[good])
        self.heddle("test", self.write("m.json", manifest))
        manifest["tests"].append(bad)
        answer = self.heddle("test", self.write("m.json", manifest), code=FAILED)
        self.assertIn("4", answer.out + answer.err)
        self.assertIsInstance(json.loads(self.heddle("test", self.path("m.json"), "--json", code=FAILED).out), (dict, list))

    def test_help(self):
        text = self.heddle("--help").out
        for verb in ("run", "validate", "plan", "graph", "inspect", "import", "schema", "test", "help"):
            self.assertIn(verb, text)
            if verb != "help":
                self.assertIn(verb, self.heddle("help", verb).out)
                self.assertEqual(self.heddle(verb, "--help").out, self.heddle("help", verb).out)
        self.assertRegex(self.heddle("--version").out, r"^heddle \d+\.\d+\.\d+")

    def test_exit_codes_are_listed_as_they_are(self):
        table = {int(line.split()[0]) for line in self.heddle("help", "exit-codes").out.splitlines()}
        self.assertEqual(table, {0, 1, 2, 3, 69, 70, 74, 75, 77, 78, 130, 143})
        self.assertEqual({row["code"] for row in json.loads(self.heddle("help", "exit-codes", "--json").out)}, table)

    def test_exit_codes(self):
        good = self.write("good.json", pipeline(node("m", "Multiply", {"multiplier": 3})))
        fail = self.write("fail.json", pipeline(node("m", "Multiply", {"multiplier": 3}), run={"on_error": "fail"}))
        for code, *arguments in ((OK, "run", good, "-i", self.write("one", "1\n")), (DEAD_LETTERS, "run", good, "-i", self.write("text", '"x"\n')),
                                 (FAILED, "run", fail, "-i", self.path("text")), (USAGE, "run"), (USAGE,), (USAGE, "rnu", good),
                                 (USAGE, "run", good, "--no-such"), (USAGE, "graph", good, "-f", "png"), (USAGE, "run", good, good),
                                 (IO, "run", good, "-i", "none"), (IO, "validate", "none"), (INVALID, "run", self.write("bad", "{"))):
            with self.subTest(arguments=arguments):
                self.heddle(*arguments, code=code)

    def test_a_misspelt_verb_and_option_get_a_suggestion(self):
        self.assertIn('"validate"', self.heddle("valdate", "x", code=USAGE).err)
        self.assertIn("--input", self.heddle("run", "x", "--inptu", "y", code=USAGE).err)

    def test_a_wrong_choice_gets_the_choices(self):
        self.assertIn('there is no "foo": it is one of environment, graph, syntax', self.heddle("validate", "--level", "foo", "x", code=USAGE).err)
        self.assertIn('"png": it is one of ascii, dot, mermaid, svg', self.heddle("graph", "-f", "png", "x", code=USAGE).err)

    def test_plugin_dir_takes_one_folder_per_use(self):
        self.heddle("validate", "--plugin-dir", self.folder, self.diamond())
        self.assertIn("counter", self.heddle("inspect", "--plugin-dir", self.folder, "Echo").out)

    def test_json_on_every_verb_and_before_it(self):
        path = self.diamond()
        for arguments in (("validate", path), ("plan", path), ("graph", path), ("inspect",), ("inspect", "Echo"), ("import", path), ("schema",),
                          ("test", path), ("help", "exit-codes")):
            with self.subTest(arguments):
                json.loads(self.heddle(*arguments, "--json").out)
                json.loads(self.heddle("--json", *arguments).out)

    def test_under_json_standard_error_is_json(self):
        old = self.write("old.json", {"version": "v1", "nodes": [{"id": "e", "node_type": "EchoNode"}], "connections": []})
        report = json.loads(self.heddle("run", old, "--json", stdin=b"1\n").err)
        self.assertRegex(report["notes"][0], "heddle import --report")
        for code, *arguments in ((IO, "run", old, "-i", "nowhere"), (USAGE, "run", old, "-o", "old.json"), (USAGE, "run"), (USAGE, "rnu", old),
                                 (IO, "graph", "nowhere"), (IO, "run", "nowhere"), (USAGE, "inspect", "Ecoh"), (IO, "inspect", "nowhere.so"),
                                 (IO, "run", self.write("read.json", pipeline(node("r", "ReadText", {"path": "/nowhere/x"}))))):
            with self.subTest(arguments):
                failure = json.loads(self.heddle(*arguments, "--json", code=code).err)
                self.assertEqual((failure["ok"], failure["exit_code"]), (False, code))
                self.assertTrue(failure["error"]["message"])
        log = self.write("log.json", pipeline(node("l", "Log")))
        first, last = map(json.loads, self.heddle("run", log, "--json", stdin=b"1\n").err.splitlines())
        self.assertRegex(first.pop("time"), r"^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        self.assertEqual((first, last["ok"]), ({"level": "info", "who": "l", "message": "1"}, True))

    def test_the_journal_is_told_priorities(self):
        path = self.write("log.json", pipeline(node("l", "Log", {"message": "came"})))
        with open(self.path("journal"), "w+b") as journal:
            stream = os.fstat(journal.fileno())
            subprocess.run([PROGRAM, "run", path], input=b"1\n", stdout=subprocess.DEVNULL, stderr=journal, cwd=self.folder, timeout=TIMEOUT, check=True,
                           env=self.environment({"JOURNAL_STREAM": f"{stream.st_dev}:{stream.st_ino}"}))
            journal.seek(0)
            self.assertEqual(journal.read(), b"<6>l: came: 1\n")

    def test_log_lines_appear_by_default(self):
        path = self.write("log.json", pipeline(node("l", "Log", {"message": "came"})))
        self.assertEqual(self.heddle("run", path, stdin=b"1\n").err, "heddle: info: l: came: 1\n")
        self.assertEqual(self.heddle("run", path, "-q", stdin=b"1\n").err, "")

    def test_input_of_the_manifest_and_of_the_command_line(self):
        path = self.write("w.json", {"manifest": pipeline(node("p", "PassThrough")), "input_data": [1, 2]})
        with_both = self.heddle("run", path, "-i", self.write("in", "3\n"))
        self.assertEqual(with_both.items, [3])
        self.assertRegex(with_both.err, r"own input \(2 items\) is left out")
        piped = self.heddle("run", path, stdin=b"3\n")
        self.assertEqual(piped.items, [1, 2])
        self.assertEqual(piped.err.count("standard input is not read"), 1)

    def test_secrets_are_never_shown(self):
        manifest = pipeline(node("l", "Log", {"message": "${param.token}"}), node("e", "Echo"), params={"token": {"type": "secret", "from": "env:THE_TOKEN"}})
        path = self.write("m.json", manifest)
        env = {"THE_TOKEN": "hunter2-hunter2"}
        for arguments in (("plan", path, "--full"), ("plan", path, "--json", "--full"), ("graph", path, "-f", "dot"), ("run", path, "--input", "-", "-v"),
                          ("validate", path, "--json"), ("import", path)):
            answer = self.heddle(*arguments, stdin=b"1\n", env=env, code=None)
            self.assertNotIn("hunter2", answer.out + answer.err, arguments)

    def test_standard_output_is_data_only(self):
        answer = self.heddle("run", self.diamond(), "--stats", "--progress", "-v", stdin=b"1\nx\n", code=DEAD_LETTERS)
        self.assertEqual(sorted(json.loads(line) for line in answer.out.splitlines()), [2, 2])

    def test_color_only_where_asked(self):
        path = self.write("m.json", "{")
        self.assertNotIn("\x1b", self.heddle("validate", path, code=INVALID).err)
        self.assertIn("\x1b", self.heddle("validate", path, "--color", "always", code=INVALID).err)

    def test_dot_output_is_accepted_by_graphviz(self):
        if subprocess.run(["sh", "-c", "command -v dot"], capture_output=True, check=False).returncode != 0:
            return  # graphviz is no package that the tests install
        dot = self.heddle("graph", self.diamond(), "-f", "dot").out_bytes
        self.assertTrue(subprocess.run(["dot", "-Tsvg"], input=dot, capture_output=True, check=True).stdout)


if __name__ == "__main__":
    unittest.main()
