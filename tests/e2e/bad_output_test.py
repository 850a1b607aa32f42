"""Output that cannot be written: the reason, exit code 74, and a report in which every item is accounted for."""
import json
import os
import subprocess
import unittest

from program import DEAD_LETTERS, IO, PROGRAM, USAGE, HeddleCase, lines, node, pipeline

ECHO = pipeline(node("a", "PassThrough"), node("b", "Echo"))
MANY = lines({"id": i, "text": "x" * 100} for i in range(50_000))


class BadOutput(HeddleCase):
    def test_a_full_disk(self):
        answer = self.run_manifest(ECHO, (), "--output", "/dev/full", stdin=MANY, code=IO)
        self.assertIn("No space left on device", answer.err)

    def test_a_full_disk_with_less_than_one_buffer(self):
        answer = self.run_manifest(ECHO, [1], "--output", "/dev/full", code=IO)
        self.assertIn("No space left on device", answer.err)

    def test_a_full_disk_behind_standard_output(self):
        with open("/dev/full", "wb") as full:
            answer = self.heddle("run", self.write("m.json", ECHO), "--input", "-", stdin=MANY, code=IO, stdout=full)
        self.assertIn("No space left on device", answer.err)

    def test_a_file_that_may_not_grow_is_reported(self):
        command = f'ulimit -f 100; exec "{PROGRAM}" run "$1" -i "$2" -o "$3"'  # SIGXFSZ, unless it is ignored
        done = subprocess.run(["sh", "-c", command, "sh", self.write("m.json", ECHO), self.write("in", MANY), self.path("out")],
                              capture_output=True, text=True, env=self.environment(), timeout=120, check=False)
        self.assertEqual(done.returncode, IO, done)
        self.assertIn("File too large", done.stderr)

    def test_the_output_is_not_the_manifest(self):
        path = self.write("m.json", ECHO)
        before = self.read("m.json")
        answer = self.heddle("run", path, "-o", "m.json", stdin=b"1\n", code=USAGE)
        self.assertIn("would overwrite the manifest", answer.err)
        self.assertEqual(self.read("m.json"), before)

    def test_dead_letters_go_only_where_there_is_a_folder(self):
        answer = self.heddle("run", self.write("m.json", ECHO), "--dead-letters", self.path("nope/x"), stdin=b"oops\n", code=IO)
        self.assertIn(f"No such file or directory: {self.path('nope')}", answer.err)
        self.assertFalse(os.path.exists(self.path("nope")))

    def test_files_of_nodes_that_cannot_be_had_are_io_errors(self):
        for entry in (node("a", "ReadCsv", {"path": "/nowhere/x"}), node("a", "ReadJsonLines", {"path": "/nowhere/x"}),
                      node("a", "WriteJsonLines", {"path": "/nowhere/x"})):
            answer = self.heddle("run", self.write("m.json", pipeline(entry)), stdin=b"1\n", code=IO)
            self.assertIn("/nowhere/x", answer.err)

    def test_a_closed_pipe_ends_the_run_by_itself(self):
        reading, writing = os.pipe()
        process = self.start("run", self.write("m.json", ECHO), "--input", self.write("in", MANY * 4), "--json", stdout=writing)
        os.close(writing)
        self.assertTrue(os.read(reading, 10))
        os.close(reading)
        answer = self.finish(process)
        self.assertEqual(answer.code, IO, answer)
        self.assert_balanced(answer.report)

    def test_a_closed_pipe_for_a_verb_that_only_prints(self):
        reading, writing = os.pipe()
        os.close(reading)
        process = self.start("schema", stdout=writing)
        os.close(writing)
        self.assertEqual(self.finish(process).code, IO)

    def test_a_folder_that_does_not_exist(self):
        answer = self.heddle("run", self.write("m.json", ECHO), "--input", "-", "--output", self.path("none/out"), stdin=b"1\n", code=IO)
        self.assertIn("none/out", answer.err)

    def test_dead_letters_that_cannot_be_kept(self):
        answer = self.heddle("run", self.write("m.json", ECHO), "--input", "-", "--json", "--dead-letters", "/dev/full", stdin=b"1\nx\n2\n", code=IO)
        self.assertIn("No space left on device", answer.err)

    def test_dead_letters_are_kept_with_their_item_and_reason(self):
        answer = self.run_manifest(pipeline(node("m", "Multiply", {"multiplier": 2})), [1, {"a": "b"}, 3], "--dead-letters", self.path("dead"), code=DEAD_LETTERS)
        letter = json.loads(self.read("dead"))
        self.assertEqual((letter["node"], letter["item"], letter["sequence"], letter["class"]), ("m", {"a": "b"}, 2, "permanent"))
        self.assertEqual(answer.items, [2, 6])
        self.assertEqual(os.stat(self.path("dead")).st_mode & 0o77, 0)

    def test_results_appear_while_the_input_waits(self):
        process = self.start("run", self.write("m.json", ECHO), "--input", "-", stdin=subprocess.PIPE)
        for n in range(1, 4):
            process.stdin.write(b"%d\n" % n)
            process.stdin.flush()
            self.assertEqual(json.loads(process.stdout.readline()), {"input": n, "counter": n, "node": "Echo"})
        self.assertEqual(self.finish(process).code, 0)


if __name__ == "__main__":
    unittest.main()
