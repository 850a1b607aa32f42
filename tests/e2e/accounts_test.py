"""Every item is accounted for: what was written, what led nowhere, what could not be read, what a full disk did not take."""
import json
import os
import signal
import time
import unittest

from program import DEAD_LETTERS, FAILED, IO, TERMINATED, HeddleCase, lines, node, pipeline

CSV = b"a,b\n1,2\n3\n4,5\n6\n7,8,9\n10\n"  # two records, and four that are broken


class Accounts(HeddleCase):
    def letters(self):
        return [json.loads(line) for line in self.read("dead").splitlines()]

    def told(self, manifest, stdin=b"", code=0, *arguments):
        """A run that reports to a person: what it says on stderr."""
        return self.heddle("run", self.write("m.json", manifest), "--input", "-", "--dead-letters", self.path("dead"), *arguments, stdin=stdin, code=code)

    def sourced(self, manifest, code, *arguments):
        """The report of a run whose items come from a source of its own."""
        answer = self.heddle("run", self.write("m.json", manifest), "--json", "--dead-letters", self.path("dead"), *arguments, code=code)
        self.assert_balanced(answer.report)
        return answer

    def row(self, report, connection):
        return next(e for e in report["connections"] if e["connection"] == connection)


class Failures(Accounts):
    """What a source cannot read is a failure wherever it is not asked for."""

    def csv(self):
        return node("r", "ReadCsv", {"path": self.write("a.csv", CSV)})

    def check(self, answer):
        self.assertEqual([d["line"] for d in self.letters()], [3, 5, 6, 7])
        self.assertEqual({(d["node"], d["code"]) for d in self.letters()}, {("r", "unreadable")})
        self.assertEqual(self.letters()[0]["text"], "3")
        self.assertIn("line 3, column 1: the record has 1 fields", self.letters()[0]["message"])
        self.assertEqual((answer.report["dead_letters"], answer.report["source_items"]), (4, 6))

    def test_of_a_source_that_is_the_last_node(self):
        answer = self.sourced(pipeline(self.csv()), DEAD_LETTERS)
        self.assertEqual(answer.items, [{"a": "1", "b": "2"}, {"a": "4", "b": "5"}])
        self.assertEqual((self.row(answer.report, "r -> output")["in"], answer.report["output_items"]), (2, 2))
        self.check(answer)

    def test_of_a_source_with_only_its_good_port_connected(self):
        manifest = pipeline(self.csv(), node("p", "PassThrough"), connections=[("r.out", "p")])
        answer = self.sourced(manifest, DEAD_LETTERS)
        self.assertEqual(len(answer.items), 2)
        self.check(answer)
        self.assertNotIn("nowhere", self.heddle("validate", self.path("m.json")).err)
        self.assertIn("6 items in, 2 out, 4 failed", self.heddle("run", self.path("m.json"), code=DEAD_LETTERS).err)

    def test_they_go_to_the_error_port(self):
        manifest = pipeline(self.csv(), node("good", "PassThrough"), node("faults", "PassThrough"), connections=[("r", "good"), ("r.error", "faults")])
        answer = self.sourced(manifest, 0)
        self.assertEqual([(e["code"], e["item"]["line"], e["node"]) for e in answer.by_node["faults"]], [("unreadable", n, "r") for n in (3, 5, 6, 7)])
        self.assertEqual((len(answer.by_node["good"]), answer.report["dead_letters"]), (2, 0))

    def test_they_go_where_their_port_leads(self):
        manifest = pipeline(self.csv(), node("good", "PassThrough"), node("faults", "PassThrough"), connections=[("r", "good"), ("r.bad", "faults")])
        answer = self.sourced(manifest, 0)
        self.assertEqual([e["line"] for e in answer.by_node["faults"]], [3, 5, 6, 7])

    def test_a_connection_of_the_failures_alone_leaves_the_results_results(self):
        answer = self.sourced(pipeline(self.csv(), node("faults", "PassThrough"), connections=[("r.bad", "faults")]), 0)
        self.assertEqual((len(answer.by_node["r"]), len(answer.by_node["faults"])), (2, 4))

    def test_on_error_fail_ends_the_run(self):
        self.sourced(pipeline(self.csv(), run={"on_error": "fail"}), FAILED)


class Nowhere(Accounts):
    ROUTE = node("r", "Route", {"cases": [{"port": "a", "when": ". == 1"}, {"port": "b", "when": ". == 2"}], "default": "c"})
    MANIFEST = pipeline(ROUTE, node("p", "PassThrough"), connections=[("r.a", "p")])

    def test_is_a_warning_before_the_run(self):
        path = self.write("m.json", self.MANIFEST)
        for verb in ("validate", "plan"):
            said = self.heddle(verb, path).err
            self.assertIn("port-leads-nowhere", said, verb)
            self.assertIn('"r": nothing is connected to its output port "b"', said, verb)
            self.assertIn('"c"', said, verb)
            self.assertNotIn('port "a"', said, verb)

    def test_is_counted_and_said(self):
        answer = self.run_manifest(self.MANIFEST, [1, 2, 3, 4])
        self.assertEqual(answer.items, [1])
        counts = {name: self.row(answer.report, f"r.{name} -> nowhere") for name in "bc"}
        self.assertEqual([(counts[n]["in"], counts[n]["dropped"], counts[n]["out"]) for n in "bc"], [(1, 1, 0), (2, 2, 0)])
        said = self.told(self.MANIFEST, lines([1, 2, 3, 4]), 0, "--stats").err
        self.assertIn("3 items left by ports that lead nowhere: r.b 1, r.c 2", said.splitlines()[-1])
        self.assertRegex(said, r"r\.c -> nowhere +2 +0 +0 +2")
        self.assertIn("port-leads-nowhere", said)

    def test_is_nothing_where_all_ports_are_the_results(self):
        for manifest in (pipeline(self.ROUTE), pipeline({**self.ROUTE, "is_output_node": True}, node("p", "PassThrough"), connections=[("r.a", "p")])):
            path = self.write("m.json", manifest)
            self.assertEqual(self.heddle("validate", path).err, "")
            answer = self.run_manifest(manifest, [1, 2, 3, 4])
            self.assertEqual(self.row(answer.report, "r -> output")["out"], 4)


class Written(Accounts):
    ECHO = pipeline(node("echo", "Echo"))

    def test_a_full_disk_writes_nothing_and_says_so(self):
        answer = self.run_manifest(self.ECHO, range(5), "--output", "/dev/full", code=IO)
        row = self.row(answer.report, "echo -> output")
        self.assertEqual((row["in"], row["out"], row["dropped"], answer.report["output_items"]), (5, 0, 5, 0))
        self.assertIn("5 items in, 0 out, 5 dropped", self.told(self.ECHO, lines(range(5)), IO, "--output", "/dev/full").err)

    def test_a_reader_that_goes_away_got_what_is_counted(self):
        reading, writing = os.pipe()
        process = self.start("run", self.write("m.json", self.ECHO), "--input", self.write("in", lines(range(300_000))), "--json", stdout=writing)
        os.close(writing)
        got = b""
        while len(got) < 100_000:
            got += os.read(reading, 4096)
        # What lies in the pipe was handed to the kernel.
        os.set_blocking(reading, False)
        time.sleep(0.2)
        try:
            while piece := os.read(reading, 1 << 20):
                got += piece
        except BlockingIOError:
            pass
        os.close(reading)
        report = self.finish(process).report
        self.assert_balanced(report)
        # Between the last read and the close some more may have come.
        self.assertGreaterEqual(report["output_items"], got.count(b"\n"))
        self.assertLess(report["output_items"], 300_000)
        dropped = sum(e["dropped"] for e in report["connections"])
        self.assertEqual(report["output_items"] + dropped, report["input_items"])

    def test_all_that_was_written_is_out(self):
        answer = self.run_manifest(self.ECHO, range(1000))
        row = self.row(answer.report, "echo -> output")
        self.assertEqual((row["in"], row["out"], row["dropped"]), (1000, 1000, 0))


class Sinks(Accounts):
    def test_a_full_disk_fails_every_item(self):
        for params in ({}, {"gzip": True}):
            manifest = pipeline(node("w", "WriteJsonLines", {"path": "/dev/full", **params}))
            answer = self.run_manifest(manifest, range(3000), "--dead-letters", self.path("dead"), code=DEAD_LETTERS)
            letters = [d for d in self.letters() if "item" in d]
            self.assertEqual([d["item"] for d in letters], list(range(3000)))
            self.assertEqual({d["code"] for d in letters}, {"io"})
            self.assertEqual((self.row(answer.report, "input -> w")["failed"], answer.report["sink_items"]), (3000, 0))
            os.remove(self.path("dead"))

    def test_a_full_disk_that_ends_the_run_is_an_io_error(self):
        manifest = pipeline(node("w", "WriteCsv", {"path": "/dev/full"}), run={"on_error": "fail"})
        answer = self.run_manifest(manifest, [{"a": 1}], code=IO)
        self.assertIn("No space left on device", answer.report["error"]["message"])

    def test_what_a_sink_took_is_out(self):
        manifest = pipeline(node("r", "ReadText", {"path": self.write("in", "1\n2\n3\n")}), node("w", "WriteText", {"path": self.path("out")}))
        answer = self.sourced(manifest, 0)
        self.assertEqual((answer.report["source_items"], answer.report["sink_items"]), (3, 3))
        self.assertIn("3 items in, 3 out", self.heddle("run", self.path("m.json"), "-v").err)

    def test_a_source_that_is_stopped_has_not_failed(self):
        with open(self.path("in"), "wb") as file:
            for _ in range(200):
                file.write(b'{"some":"item of a long file"}\n' * 20_000)
        manifest = pipeline(node("r", "ReadJsonLines", {"path": self.path("in")}), node("w", "WriteJsonLines", {"path": self.path("out")}))
        process = self.start("run", self.write("m.json", manifest), "--json", "--dead-letters", self.path("dead"))
        while not any(name.startswith(".out") and os.path.getsize(self.path(name)) > 1_000_000 for name in os.listdir(self.folder)):
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        answer = self.finish(process)
        self.assertEqual(answer.code, TERMINATED, answer.err)
        self.assert_balanced(answer.report)
        self.assertEqual(answer.report["dead_letters"], 0, answer.err)
        self.assertFalse(os.path.exists(self.path("dead")))
        written = self.read("out").count(b"\n")
        self.assertEqual((answer.report["source_items"], answer.report["sink_items"]), (written, written))


class Letters(Accounts):
    def test_a_queue_that_drops_says_so(self):
        manifest = pipeline(node("a", "PassThrough"), node("b", "Delay", {"delay_ms": 1}), connections=[{"from": "a", "to": "b", "queue": {"items": 1, "on_full": "drop_oldest"}}])
        said = self.told(manifest, lines(range(500))).err
        self.assertRegex(said.splitlines()[-1], r"500 items in, [\d,]+ out, [1-9][\d,]* dropped")

    def test_a_failed_item_has_no_made_up_line(self):
        self.told(pipeline(node("m", "Multiply", {"multiplier": 2})), b'\n"x"\n', DEAD_LETTERS)
        (letter,) = self.letters()
        self.assertNotIn("line", letter)
        self.assertEqual(letter["item"], "x")

    def test_a_text_that_is_cut_says_so(self):
        self.told(pipeline(node("p", "PassThrough")), b"1\n" + b"x" * 9000 + b"\noops\n", DEAD_LETTERS)
        cut, whole = self.letters()
        self.assertEqual((cut["line"], cut["text_bytes"], len(cut["text"])), (2, 9000, 4096))
        self.assertNotIn("text_bytes", whole)


if __name__ == "__main__":
    unittest.main()
