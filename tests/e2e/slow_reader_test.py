"""A reader that is slow holds back the host that works for it: nothing piles up there, and nothing is lost."""
import http.client
import json
import os
import time
import unittest

from program import OK, TIMEOUT, node, pipeline
from remote_test import Host, RemoteCase, remote

ROWS, SIZE = 8000, 20_000  # together more than twice of what a host keeps for a peer at the most


def bytes_read(process):
    with open(f"/proc/{process.pid}/io") as io:
        return int(io.readline().split()[1])


def wait_until_still(process):
    """Until the process reads nothing more: it is held back, or has given up."""
    before, now = -1, bytes_read(process)
    deadline = time.monotonic() + TIMEOUT
    while before != now and time.monotonic() < deadline:
        time.sleep(0.5)
        before, now = now, bytes_read(process)


class SlowReader(RemoteCase):
    def host_with_rows(self, **config):
        with open(self.path("rows.jsonl"), "w") as rows:
            for row in range(ROWS):
                rows.write(json.dumps({"row": row, "pad": "x" * SIZE}) + "\n")
        return Host(self, "there", {"rows": pipeline(node("r", "ReadJsonLines", {"path": self.path("rows.jsonl")}))}, **config)

    def assert_small(self, process):
        if os.environ.get("HEDDLE_SANITIZE"):
            return  # takes memory of its own
        with open(f"/proc/{process.pid}/status") as status:
            peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
        self.assertLess(peak, 100_000, "kB")

    def test_results_of_a_request(self):
        there = self.host_with_rows()
        connection = http.client.HTTPConnection(there.endpoint, timeout=TIMEOUT)
        self.addCleanup(connection.close)
        connection.request("POST", "/v1/pipelines/rows/execute", body="1\n", headers={"Content-Type": "application/x-ndjson"})
        answer = connection.getresponse()
        wait_until_still(there.process)
        self.assertLess(bytes_read(there.process), ROWS * SIZE // 2)
        self.assertEqual([json.loads(line)["output"]["row"] for line in answer], list(range(ROWS)))
        self.assert_small(there.process)

    def test_results_of_a_remote_pipeline(self):
        for transport in ("http", "grpc"):
            with self.subTest(transport):
                self.setUp()
                there = self.host_with_rows(listen=[{"endpoint": "127.0.0.1:0", "transport": transport}])
                here = self.start("run", self.write("here.json", pipeline(node("far", "RemotePipeline", remote("rows", there, transport=transport)))), "--input", self.write("in.jsonl", "1\n"))
                wait_until_still(there.process)
                self.assertLess(bytes_read(there.process), ROWS * SIZE // 2)
                rows = [json.loads(line)["row"] for line in here.stdout]
                self.assertEqual((here.wait(TIMEOUT), rows), (OK, list(range(ROWS))))
                self.assert_small(there.process)


if __name__ == "__main__":
    unittest.main()
