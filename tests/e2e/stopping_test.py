"""Signals in the middle of a run: it drains, or stops at once, says what became of every item, and exits with the signal's code."""
import json
import os
import signal
import subprocess
import unittest

from program import INTERRUPTED, TERMINATED, HeddleCase, node, pipeline

# An hour to drain: whoever waits for nothing is found out.
ECHO = pipeline(node("a", "PassThrough"), node("b", "Echo"), run={"drain_ms": 3_600_000})


class Stopping(HeddleCase):
    def running(self, manifest, *arguments):
        """A run that is given three items and waits for more."""
        process = self.start("run", self.write("m.json", manifest), "--input", "-", "--json", *arguments, stdin=subprocess.PIPE)
        process.stdin.write(b"1\n2\n3\n")
        process.stdin.flush()
        return process

    def test_terminated_while_waiting_for_input(self):
        process = self.running(ECHO)
        self.assertEqual([json.loads(process.stdout.readline())["counter"] for _ in range(3)], [1, 2, 3])
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        answer = self.finish(process)
        self.assertEqual(answer.code, TERMINATED, answer)
        self.assert_balanced(answer.report)
        self.assertEqual((answer.report["input_items"], answer.report["output_items"]), (3, 3))

    def test_interrupted_while_waiting_for_input(self):
        process = self.running(ECHO)
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        process.wait(60)
        answer = self.finish(process)
        self.assertEqual(answer.code, INTERRUPTED, answer)
        self.assert_balanced(answer.report)

    def test_terminated_in_the_middle_of_a_flood(self):
        reading, writing = os.pipe()
        process = self.start("run", self.write("m.json", ECHO), "--input", "/dev/stdin", "--json", stdin=reading)
        os.close(reading)
        feeder = subprocess.Popen(["yes", '{"some":"item of the flood"}'], stdout=writing)
        self.addCleanup(feeder.wait)
        self.addCleanup(feeder.kill)
        os.close(writing)
        seen = b"".join(process.stdout.read1(1 << 16) for _ in range(50))
        self.assertGreater(len(seen), 0)
        process.send_signal(signal.SIGTERM)
        answer = self.finish(process)
        self.assertEqual(answer.code, TERMINATED, answer.err)
        self.assert_balanced(answer.report)
        self.assertTrue((seen + answer.out_bytes).endswith(b"\n"), "what was written ends with a whole line")
        self.assertEqual(answer.report["output_items"], answer.report["input_items"])

    def holding(self, delay_ms, **run):
        """A run that holds its items; the one that has come past them tells that it is going."""
        manifest = pipeline(node("a", "PassThrough"), node("now", "PassThrough"), node("later", "Delay", {"delay_ms": delay_ms}),
                            connections=[("a", "now"), ("a", "later")], run=run)
        process = self.running(manifest)
        for _ in range(3):
            self.assertEqual(json.loads(process.stdout.readline())["node"], "now")
        return process

    def ended(self, process, code):
        process.wait(60)
        answer = self.finish(process)
        self.assertEqual(answer.code, code, answer)
        self.assert_balanced(answer.report)
        return answer

    def test_a_second_interrupt_stops_at_once(self):
        process = self.holding(3_600_000, drain_ms=3_600_000)
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        answer = self.ended(process, INTERRUPTED)
        self.assertEqual(sum(e["dropped"] for e in answer.report["connections"]), 3)

    def test_a_node_that_hangs_does_not_hold_up_a_second_interrupt(self):
        endless = {"program": "repeat(.) | select(false)"}
        for hung in (node("later", "Jq", endless, timeout_ms=3_600_000), node("later", "Delay", {"delay_ms": 3_600_000}, parallel=2)):
            manifest = pipeline(node("a", "PassThrough"), node("now", "PassThrough"), hung, connections=[("a", "now"), ("a", "later")],
                                run={"drain_ms": 3_600_000})
            process = self.running(manifest, "--dead-letters", self.path("dead"))
            for _ in range(3):
                process.stdout.readline()
            process.send_signal(signal.SIGINT)
            process.send_signal(signal.SIGTERM)
            answer = self.ended(process, INTERRUPTED)
            self.assertEqual(sum(e["dropped"] for e in answer.report["connections"]), 3)

    def test_one_interrupt_lets_the_items_inside_finish(self):
        process = self.holding(300, drain_ms=3_600_000)
        process.send_signal(signal.SIGINT)
        answer = self.ended(process, INTERRUPTED)
        self.assertEqual((answer.report["input_items"], answer.report["output_items"]), (3, 6))

    def test_draining_has_a_limit(self):
        process = self.holding(3_600_000, drain_ms=100)
        process.send_signal(signal.SIGTERM)
        answer = self.ended(process, TERMINATED)
        self.assertEqual(sum(e["dropped"] for e in answer.report["connections"]), 3)


if __name__ == "__main__":
    unittest.main()
