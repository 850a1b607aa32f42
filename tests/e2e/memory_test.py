"""Memory does not grow with the input. By itself in a file: the peak of a child counts from its fork, so this process has to be small."""
import os
import subprocess
import unittest

from program import PROGRAM, SANITIZED, HeddleCase, lines, node, pipeline

LIMIT_KIB = 64 * 1024


@unittest.skipIf(SANITIZED, "sanitizers multiply the memory")
class Memory(HeddleCase):
    def peak_kib(self, manifest, threads):
        command = [PROGRAM, "run", manifest, "--input", self.path("in"), "--output", "/dev/null", "--threads", threads]
        process = subprocess.Popen(command, env=self.environment())
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(process.returncode, 0)
        return usage.ru_maxrss

    def setUp(self):
        super().setUp()
        block = lines({"id": i, "text": "x" * 150} for i in range(10_000))
        with open(self.path("in"), "wb") as file:
            for _ in range(60):  # about 105 MB
                file.write(block)

    def test_a_long_input_through_fused_nodes(self):
        path = self.write("m.json", pipeline(node("a", "PassThrough"), node("b", "Echo"), node("c", "PassThrough")))
        for threads in ("1", "2"):
            self.assertLess(self.peak_kib(path, threads), LIMIT_KIB)

    def test_a_long_input_through_queues(self):
        path = self.write("m.json", pipeline(node("a", "PassThrough"), node("b", "Echo", lane="prompt"), node("c", "PassThrough", parallel=4)))
        self.assertLess(self.peak_kib(path, "2"), 2 * LIMIT_KIB)


if __name__ == "__main__":
    unittest.main()
