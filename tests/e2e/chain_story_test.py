"""The story of a chain worker, told with heddle: what it takes from a queue is done by a Python process, and completed on the chain; also when it is killed on the way."""
import os
import signal
import subprocess
import sys
import unittest

from program import PROGRAM, SOURCE, TIMEOUT, HeddleCase

sys.path.insert(0, os.path.join(SOURCE, "tests", "chain"))
sys.path.insert(0, os.path.join(SOURCE, "tests", "chain", "story"))
from chain import why_not  # noqa: E402
from story import Story  # noqa: E402

MANIFEST = os.path.join(SOURCE, "tests", "chain", "story", "worker.json")
WORKER = ["run", MANIFEST, "--param", "program=" + os.path.join(SOURCE, "sdk", "python", "examples", "count_worker.py")]


@unittest.skipIf(why_not(), why_not())
class TheStory(HeddleCase):
    def words(self, more=None):
        return self.environment({"PYTHONPATH": os.path.join(SOURCE, "sdk", "python"), "PYTHONDONTWRITEBYTECODE": "1", "HEDDLE_CHAIN_TOOLS": os.environ["HEDDLE_CHAIN_TOOLS"], **(more or {})})

    def test_ten_activities_are_done(self):
        told = subprocess.run([sys.executable, os.path.join(SOURCE, "tests", "chain", "story", "story.py"), self.path("story"), "--", PROGRAM, *WORKER], capture_output=True, text=True,
                              timeout=4 * TIMEOUT, env=self.words(), cwd=self.folder, check=False)
        self.assertEqual(told.returncode, 0, told.stdout + told.stderr)
        self.assertIn("10 of 10 activities were completed; the worker ended with 0", told.stdout)
        self.assertIn("'to be or not to be'  →  {\"words\":6,\"longest\":\"not\"}", told.stdout)

    def test_a_worker_that_is_killed_completes_everything_once(self):
        story = Story(self.path("story"))
        self.addCleanup(story.leave)
        ids = story.enqueue(20)
        for over in (1, 8, 15):
            worker = self.start(*WORKER, env=self.words(story.environment))
            story.chain.wait_for(lambda wanted=over: len(story.over(ids)) >= wanted, f"the end of {over}")
            worker.kill()
            self.finish(worker)
        worker = self.start(*WORKER, env=self.words(story.environment))
        activities = story.subnet.wait_until_over(ids)
        worker.send_signal(signal.SIGTERM)
        self.assertEqual(self.finish(worker).code, 0)
        self.assertEqual([a["success"] for a in activities], [True] * 20)
        ends = story.subnet.queue.events("ActivityCompleted", "ActivityFailed")
        self.assertEqual(sorted(event["activityId"] for event in ends), sorted(ids))
        account = story.subnet.workers[0]
        self.assertEqual(story.chain.nonce(account), story.chain.nonce(account, "pending"))
        self.assertEqual(story.reverted(account), [])


if __name__ == "__main__":
    unittest.main()
