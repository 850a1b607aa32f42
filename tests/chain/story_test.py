"""The story with a worker that is hardly one: whoever tells it to heddle can rely on the rest."""
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import unittest

from chain import TIMEOUT, why_not

HERE = os.path.dirname(os.path.abspath(__file__))
STORY = os.path.join(HERE, "story", "story.py")

# Claims what is offered and completes it, from an account that the chain signs for; ends when it is told to.
WORKER = """
import json, os, sys, time
sys.path.insert(0, {here!r})
import chain, contracts
class There(chain.Chain):
    def __init__(self):
        self.command, self.url, self.ids = [], os.environ["CHAIN_URL"], iter(range(1, 1 << 30))
there = There()
me = there.accounts()[1]
queue = contracts.Contract(there, "TaskQueue", os.environ["TASK_QUEUE"], me)
assert open(os.environ["CHAIN_KEY"]).read().strip() == chain.KEYS[1]
while True:
    activity, has = queue.call("pollActivity", os.environ["CHAIN_QUEUE"], 0)
    if has:
        queue.send("claimActivity", activity["activityId"])
        queue.send("completeActivity", activity["activityId"], json.dumps(len(json.loads(activity["inputData"])["text"].split())).encode())
    time.sleep(0.01)
"""


@unittest.skipIf(why_not(), why_not())
class TheStory(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="heddle-story-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def tell(self, worker, tasks):
        return subprocess.run([sys.executable, STORY, self.folder, "--tasks", str(tasks), "--queue", "q", "--", sys.executable, "-c", worker], capture_output=True, text=True,
                              timeout=4 * TIMEOUT, check=False)

    def test_all_activities_come_to_their_end(self):
        told = self.tell(WORKER.format(here=HERE), 3)
        self.assertIn("3 of 3 activities were completed", told.stdout, told.stderr)
        self.assertIn("'to be or not to be'  →  6", told.stdout)
        self.assertEqual(stat.S_IMODE(os.stat(os.path.join(self.folder, "account.key")).st_mode), 0o600)
        self.assertEqual(told.stdout.count("→"), 3)

    def test_a_worker_that_ends_is_told_of(self):
        told = self.tell("import sys; sys.exit(7)", 1)
        self.assertEqual(told.returncode, 1)
        self.assertIn("the worker has ended with 7, and 1 activities are open", told.stderr)
        self.assertIn("0 of 1 activities were completed", told.stdout)


@unittest.skipIf(why_not(), why_not())
class TheBench(unittest.TestCase):
    def test_the_peer_sends_and_all_of_it_is_mined(self):
        from chain import TOOLS, Chain
        folder = tempfile.mkdtemp(prefix="heddle-chain-")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        chain = Chain.anvil(folder)
        self.addCleanup(chain.leave)
        for mode in ("plain", "prepared"):
            said = subprocess.run(["node", os.path.join(HERE, "bench", "ethers_peer.js"), TOOLS, chain.url, "50", "10", mode], capture_output=True, text=True, timeout=TIMEOUT, check=True)
            report = json.loads(said.stdout)
            self.assertEqual((report["accepted"], report["mined"], report["failed"]), (50, 50, 0), report)


if __name__ == "__main__":
    unittest.main()
