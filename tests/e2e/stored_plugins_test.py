"""Plugins of every ABI minor so far, as they were built then (tests/abi/stored): this host lists, checks and uses them."""
import glob
import hashlib
import json
import os
import platform
import shutil
import time
import unittest

from host import HostCase
from program import OK, SOURCE, TIMEOUT, node, pipeline

STORED = os.path.join(SOURCE, "tests", "abi", "stored")
MINORS = sorted(os.path.basename(folder) for folder in glob.glob(os.path.join(STORED, "1.*")))


class EveryMinor(HostCase):
    def setUp(self):
        super().setUp()
        self.assertIn("1.0", MINORS)
        self.minor = None

    def each(self):
        for minor in MINORS:
            with self.subTest(minor):
                # A copy: a host loads nothing that others could have written, and who knows who can write the source tree.
                self.plugins = self.path(f"plugins-{minor}")
                os.makedirs(self.plugins, mode=0o755)
                for file in glob.glob(os.path.join(STORED, minor, "*.so")):
                    os.chmod(shutil.copy(file, self.plugins), 0o644)
                yield minor

    def test_nobody_has_built_them_again(self):
        for minor in MINORS:
            with open(os.path.join(STORED, minor, "SHA256SUMS"), encoding="ascii") as sums:
                said = {name.strip()[2:]: digest for digest, name in (line.split(" ", 1) for line in sums)}
            there = {}
            for file in glob.glob(os.path.join(STORED, minor, "*.so")):
                with open(file, "rb") as content:
                    there[os.path.basename(file)] = hashlib.sha256(content.read()).hexdigest()
            self.assertEqual(there, said, minor)

    def test_they_are_listed_with_the_minor_that_they_were_built_for(self):
        for minor in self.each():
            listed = json.loads(self.heddle("inspect", "--json", env={"HEDDLE_PLUGIN_PATH": self.plugins}).out)
            ours = [p for p in listed["plugins"] if p["path"].startswith(self.plugins)]
            self.assertEqual([p["abi"] for p in ours], [[1, int(minor.split(".")[1])]] * len(glob.glob(f"{self.plugins}/*.so")), listed["refused"])

    def test_they_keep_the_rules(self):
        for _ in self.each():
            for file in sorted(glob.glob(f"{self.plugins}/*.so")):
                self.heddle("check", file)

    def test_nodes_run(self):
        for _ in self.each():
            manifest = pipeline(node("twice", "StoredNode", {"by": 2}), node("n", "Count", {"step": 3}))
            answer = self.run_manifest(manifest, [1, 2], env={"HEDDLE_PLUGIN_PATH": self.plugins})
            self.assertEqual(answer.items, [{"count": 3, "was": 2}, {"count": 6, "was": 4}])

    def test_a_store_keeps_the_jobs_of_a_host_that_is_killed(self):
        for _ in self.each():
            settings = {"plugin_dirs": [self.plugins], "store": {"type": "StoredStore", "params": {"path": self.path("jobs")}}, "lanes": {"kept": {"durability": "durable"}}}
            host = self.serve(**settings)
            id = self.heddle("submit", "pipeline/double", "21", "--lane", "kept", "--delay", "1h").out.strip()
            host.kill()
            host.wait(TIMEOUT)
            host = self.serve(**settings)
            self.assertEqual(json.loads(self.heddle("jobs", "show", id, "--json").out)["lane"], "kept")
            self.stop(host)

    def test_a_host_is_served_and_reached_over_a_transport(self):
        for _ in self.each():
            host = self.serve(plugin_dirs=[self.plugins], listen=[{"endpoint": "127.0.0.1:0"}, {"transport": "StoredTransport", "endpoint": "127.0.0.1:0"}])
            endpoint, = (listener["endpoint"] for listener in self.listeners if listener["transport"] == "StoredTransport")
            there = node("there", "RemotePipeline", {"transport": "StoredTransport", "endpoint": endpoint, "manifest_source": {"type": "name", "name": "double"}})
            self.assertEqual(sorted(self.run_manifest(pipeline(there), range(50), env={"HEDDLE_PLUGIN_PATH": self.plugins}).items), list(range(0, 100, 2)))
            self.stop(host)

    def test_a_sidecar_has_programs_do_items(self):
        for _ in self.each():
            worked = node("s", "Sidecar", {"sidecar": "StoredSidecar", "sidecar_params": {"command": ["cat"]}, "endpoint": "localhost:1", "slots": 2})
            self.assertEqual(sorted(self.run_manifest(pipeline(worked), range(20), env={"HEDDLE_PLUGIN_PATH": self.plugins}).items), list(range(20)))

    def test_a_chain_has_activities_done_and_settled(self):
        for _ in self.each():
            chain = {"chain": "StoredChain", "chain_params": {"path": self.path("ledger"), "account": "requester"}}
            offer = node("offer", "ChainSubmit", {**chain, "to": "ledger", "function": "offer",
                                                  "args": [{"activity": {"$": "/name"}, "queue": "numbers", "kind": "number", "input": {"$": "/number"}}]}, idempotency_key="/name")
            self.run_manifest(pipeline(offer), [{"name": f"n{i}", "number": i} for i in range(5)], env={"HEDDLE_PLUGIN_PATH": self.plugins})
            os.makedirs(self.path("served"), exist_ok=True)
            self.write("served/work.json", {**pipeline(node("m", "Multiply", {"multiplier": 2})),
                                            "worker": {"chain": "StoredChain", "chain_params": {**chain["chain_params"], "account": "worker"}, "queues": [{"name": "numbers"}], "poll_ms": 50}})
            host = self.serve(plugin_dirs=[self.plugins], store={"type": "Memory"})
            deadline = time.monotonic() + TIMEOUT
            while self.read("ledger").count(b'"complete"') < 5:
                self.assertLess(time.monotonic(), deadline, self.read("ledger"))
                time.sleep(0.05)
            self.stop(host, OK)
            self.assertEqual(self.read("ledger").count(b'"complete"'), 5)


@unittest.skipUnless(platform.machine() == "x86_64", "skipped: the plugins that were stored are for x86-64")
class Stored(EveryMinor):
    pass


del EveryMinor

if __name__ == "__main__":
    unittest.main()
