"""Signals in the middle of a run: it drains, or stops at once, says what became of every item, and exits with the signal's code."""
import json
import os
import signal
import subprocess
import unittest

from program import INTERRUPTED, TERMINATED, HeddleCase, node, pipeline

ECHO = pipeline(node("a", "PassThrough"), node("b", "Echo"))


class Stopping(HeddleCase):
    def running(self, manifest, *arguments):
        """A run that has taken its first item and waits for more."""
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
        seen = sum(len(process.stdout.read1(1 << 16)) for _ in range(50))
        self.assertGreater(seen, 0)
        process.send_signal(signal.SIGTERM)
        answer = self.finish(process)
        self.assertEqual(answer.code, TERMINATED, answer.err)
        self.assert_balanced(answer.report)
        self.assertTrue(answer.out_bytes.endswith(b"\n"), "what was written ends with a whole line")
        self.assertEqual(answer.report["output_items"], answer.report["input_items"])

    def test_a_second_interrupt_stops_at_once(self):
        slow = pipeline(node("d", "Delay", {"delay_ms": 3_600_000}), run={"drain_ms": 3_600_000})
        process = self.running(slow)
        process.stdin.close()
        process.stdin = None
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        answer = self.finish(process)
        self.assertIn(answer.code, (INTERRUPTED, TERMINATED), answer)
        self.assert_balanced(answer.report)

    def test_one_interrupt_lets_the_items_inside_finish(self):
        slow = pipeline(node("a", "PassThrough"), node("d", "Delay", {"delay_ms": 300}))
        process = self.running(slow)
        json.loads(process.stdout.readline())  # the first is through, the others are inside or about to be
        process.send_signal(signal.SIGINT)
        answer = self.finish(process)
        self.assertEqual(answer.code, INTERRUPTED, answer)
        self.assert_balanced(answer.report)
        self.assertEqual(answer.report["output_items"], answer.report["input_items"])

    def test_draining_has_a_limit(self):
        slow = pipeline(node("d", "Delay", {"delay_ms": 3_600_000}), run={"drain_ms": 100})
        process = self.running(slow)
        process.send_signal(signal.SIGTERM)
        answer = self.finish(process)
        self.assertEqual(answer.code, TERMINATED, answer)
        self.assert_balanced(answer.report)


if __name__ == "__main__":
    unittest.main()
