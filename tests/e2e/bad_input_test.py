"""Input that is not what it should be: an error item with its line and column; every other item goes its way, and all are counted."""
import json
import os
import unittest

from program import DEAD_LETTERS, IO, HeddleCase, node, pipeline

ECHO = pipeline(node("a", "PassThrough"), node("b", "Echo"))


class BadInput(HeddleCase):
    def run_bytes(self, data, code, *more):
        return self.run_manifest(ECHO, (), "--dead-letters", self.path("dead.jsonl"), *more, stdin=data, code=code)

    def dead(self):
        return [json.loads(line) for line in self.read("dead.jsonl").splitlines()]

    def test_a_line_that_is_not_json_stops_nothing(self):
        for bad in (b"not json", b"{", b"[1,2", b'{"a":1}}', b'{"a" 1}', b"01", b"'x'", b"nul", b"1 2", b'"open', b"{'a':1}", b"[1,]", b'"\t"', b"\x00"):
            with self.subTest(bad=bad):
                answer = self.run_bytes(b'{"n":1}\n' + bad + b'\n{"n":2}\n', DEAD_LETTERS)
                self.assertEqual([i["input"]["n"] for i in answer.items], [1, 2])
                self.assertEqual([i["counter"] for i in answer.items], [1, 2])
                report = answer.report
                self.assertEqual((report["input_errors"], report["dead_letters"], report["output_items"]), (1, 1, 2))
                letter = self.dead()[0]
                self.assertEqual((letter["line"], letter["node"]), (2, "input"))
                self.assertRegex(letter["message"], r"column \d+|:\d+:\d+|2:\d+")
                os.remove(self.path("dead.jsonl"))

    def test_a_line_that_is_not_utf8(self):
        for bad in (b'"\xff"', b'"\xc3"', b'"\xed\xa0\x80"', b'"\xc0\x80"', b'{"\xf5\x80\x80\x80":1}'):
            with self.subTest(bad=bad):
                answer = self.run_bytes(b"1\n" + bad + b"\n2\n", DEAD_LETTERS)
                self.assertEqual([i["input"] for i in answer.items], [1, 2])
                self.assertEqual(self.dead()[0]["line"], 2)
                os.remove(self.path("dead.jsonl"))

    def test_all_lines_bad(self):
        answer = self.run_bytes(b"x\n" * 1000, DEAD_LETTERS)
        self.assertEqual(answer.out, "")
        self.assertEqual(answer.report["input_errors"], 1000)
        self.assertEqual([d["line"] for d in self.dead()], list(range(1, 1001)))

    def test_two_million_nested_brackets_on_a_line(self):
        answer = self.run_bytes(b"1\n" + b"[" * 2_000_000 + b"]" * 2_000_000 + b"\n2\n", DEAD_LETTERS)
        self.assertEqual([i["input"] for i in answer.items], [1, 2])
        self.assertEqual(answer.report["input_errors"], 1)

    def test_no_final_newline(self):
        self.assertEqual([i["input"] for i in self.run_bytes(b"1\n2\n3", 0).items], [1, 2, 3])

    def test_empty_input(self):
        for nothing in (b"", b"\n", b"\n \n\r\n\t\n"):
            answer = self.run_bytes(nothing, 0)
            self.assertEqual((answer.out, answer.report["input_items"]), ("", 0))

    def test_windows_line_ends_blank_lines_and_a_byte_order_mark(self):
        answer = self.run_bytes(b"\xef\xbb\xbf1\r\n\r\n2\r\n\n3", 0)
        self.assertEqual([i["input"] for i in answer.items], [1, 2, 3])

    def test_a_line_of_100_megabytes(self):
        big = b'"' + b"x" * 100_000_000 + b'"'
        with open(self.path("in"), "wb") as file:
            file.write(b"1\n" + big + b"\n2\n")
        manifest = self.write("m.json", pipeline(node("a", "PassThrough")))
        self.heddle("run", manifest, "--input", self.path("in"), "--output", self.path("out"))
        with open(self.path("in"), "rb") as before, open(self.path("out"), "rb") as after:
            self.assertTrue(before.read() == after.read())

    def test_a_broken_line_of_100_megabytes(self):
        with open(self.path("in"), "wb") as file:
            file.write(b"1\n" + b"x" * 100_000_000 + b'\n2\n["' + b"y" * 50_000_000 + b"\n3\n")
        answer = self.heddle("run", self.write("m.json", pipeline(node("a", "PassThrough"))), "--input", self.path("in"), "--json",
                             "--dead-letters", self.path("dead.jsonl"), code=DEAD_LETTERS)
        self.assertEqual(answer.items, [1, 2, 3])
        self.assert_balanced(answer.report)
        self.assertEqual([d["line"] for d in self.dead()], [2, 4])
        self.assertLess(os.path.getsize(self.path("dead.jsonl")), 100_000)

    def test_a_missing_input_file(self):
        answer = self.heddle("run", self.write("m.json", ECHO), "--input", "nowhere.jsonl", code=IO)
        self.assertIn("nowhere.jsonl", answer.err)

    def test_the_output_is_not_the_input(self):
        path = self.write("same", b"1\n")
        self.heddle("run", self.write("m.json", ECHO), "--input", path, "--output", path, code=None)
        self.assertEqual(self.read("same"), b"1\n")

    def test_an_error_port_gets_the_items_that_fail(self):
        manifest = pipeline(node("m", "Multiply", {"multiplier": 2}), node("good", "PassThrough"), node("bad", "PassThrough"),
                            connections=[("m", "good"), ("m.error", "bad")])
        answer = self.run_manifest(manifest, [1, "x", 2])
        self.assertEqual(answer.by_node["good"], [2, 4])
        (error,) = answer.by_node["bad"]
        self.assertEqual((error["node"], error["class"], error["item"]), ("m", "permanent", "x"))

    def test_on_error_fail_ends_the_run(self):
        manifest = pipeline(node("m", "Multiply", {"multiplier": 2}), run={"on_error": "fail"})
        answer = self.run_manifest(manifest, [1, "x", 2], code=1)
        self.assertIn('the text "x"', answer.report["error"]["message"])


if __name__ == "__main__":
    unittest.main()
