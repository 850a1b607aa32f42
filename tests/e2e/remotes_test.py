"""`heddle remotes` and what stands behind it: a host that calls another one, and one that is not there, says so to people, programs and Prometheus."""
import json
import os
import pty
import re
import select
import socket
import unittest
import urllib.request

from host import UNREACHABLE, HostCase
from program import OK, TIMEOUT, node, pipeline


def dead_endpoint():
    """Nobody listens there."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{free.getsockname()[1]}"


class Remotes(HostCase):
    def serve_pair(self):
        """A host that serves, and one whose pipeline "there" calls it: verbs speak to the second one."""
        self.serve()
        self.far, self.dead = self.listeners[0]["endpoint"], dead_endpoint()
        os.makedirs(self.path("near"))
        params = {"transport": "http", "endpoints": [self.far, self.dead], "manifest_source": {"type": "name", "name": "double"}, "retry": {"initial_backoff_ms": 1},
                  "health_check": {"interval_ms": 60_000}}
        self.write("near/there.json", pipeline(node("there", "RemotePipeline", params, idempotent=True)))
        self.near = self.start("serve", "--config", self.write("near.json", {"listen": [{"endpoint": "127.0.0.1:0"}], "pipelines": self.path("near")}), "--json")
        ready = self.near.stdout.readline()
        self.assertTrue(ready, "the host does not start")
        self.url = "http://" + json.loads(ready)["listeners"][0]["endpoint"]

    def call(self, times=4):
        for i in range(times):
            answer = self.heddle("submit", "pipeline/there", str(i), "--wait")
            self.assertEqual(json.loads(answer.out), {"outputs": [2 * i]})

    def endpoints(self):
        (remote,) = json.loads(self.heddle("remotes", "--json").out)["remotes"]
        self.assertEqual((remote["transport"], remote["tls"], remote["load_balance"]), ("http", False, "round_robin"))
        return {e["address"]: e for e in remote["pools"][0]["endpoints"]}

    def test_shows_the_endpoints_that_are_called_and_how_they_stand(self):
        self.serve_pair()
        self.call()
        endpoints = self.endpoints()
        self.assertEqual(sorted(endpoints), sorted([self.far, self.dead]))
        far, dead = endpoints[self.far], endpoints[self.dead]
        self.assertEqual((far["answered"], far["failed"], far["state"], far["breaker"]), (4, 0, "healthy", "closed"))
        self.assertGreater(far["p50_ms"], 0)
        self.assertNotIn("last_error", far)
        self.assertEqual(dead["answered"], 0)
        self.assertIn(f"cannot reach {self.dead}", dead["last_error"]["message"])
        table = self.heddle("remotes").out  # to a pipe: once, and as wide as it gets
        self.assertEqual(self.heddle("remotes", "--once").out.splitlines()[0], table.splitlines()[0])
        self.assertRegex(table, rf"(?m)^{re.escape(self.far)} +http +1  healthy +closed +0 +4 ")
        self.assertRegex(table, rf"(?m)^{re.escape(self.dead)} .* ago: cannot reach {re.escape(self.dead)}")
        with urllib.request.urlopen(self.url + "/metrics", timeout=TIMEOUT) as answer:
            metrics = answer.read().decode()
        self.assertIn(f'heddle_remote_attempts_total{{transport="http",endpoint="{self.far}",pool="1",outcome="answered"}} 4\n', metrics)
        self.assertIn(f'heddle_remote_attempt_seconds_count{{transport="http",endpoint="{self.far}",pool="1"}} 4\n', metrics)

    def test_a_host_that_calls_none_says_so(self):
        self.serve()
        self.assertEqual(self.heddle("remotes").out, "this host has called no other host\n")
        self.assertEqual(json.loads(self.heddle("remotes", "--json").out), {"remotes": [], "sidecars": []})

    def test_a_host_that_is_not_there_is_one_sentence(self):
        answer = self.heddle("remotes", "--host", "http://127.0.0.1:1", code=UNREACHABLE)
        self.assertIn("cannot reach the host at http://127.0.0.1:1", answer.err)

    def test_on_a_terminal_it_is_drawn_again_until_q(self):
        self.serve_pair()
        self.call(1)
        process, terminal = pty.fork()
        if process == 0:
            os.execve(os.environ["HEDDLE_PROGRAM"], ["heddle", "remotes"], {**self.environment(), "TERM": "xterm", "COLUMNS": "200"})
        self.addCleanup(os.close, terminal)
        self.read_until(terminal, b"q ends")
        self.near.kill()
        self.read_until(terminal, b"q ends; since ")  # asked again meanwhile; it does not end with the host
        os.write(terminal, b"q")
        self.read_until(terminal, b"\x1b[?1049l")
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), OK)

    def read_until(self, terminal, wanted):
        shown = b""
        while wanted not in shown:
            self.assertTrue(select.select([terminal], [], [], TIMEOUT)[0], shown)
            shown += os.read(terminal, 65536)
        return shown


if __name__ == "__main__":
    unittest.main()
