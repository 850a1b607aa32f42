"""`heddle tasks`, `heddle txs` and the metrics of chain workers: what a host with a worker says of it, to people, programs and Prometheus. The work comes from contracts on a chain of the tests."""
import glob
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import unittest
import urllib.request

from host import UNREACHABLE, HostCase
from program import FAILED, OK, SOURCE, TIMEOUT, USAGE, node

sys.path[:0] = [os.path.join(SOURCE, "tests", "chain"), os.path.join(SOURCE, "tests", "chain", "story")]
from chain import KEYS, why_not  # noqa: E402
from story import KIND, Story  # noqa: E402

SLOW = "0x" + "51" * 20  # the kind of activities that take as long as the host lives


class AHostWithoutWorkers(HostCase):
    def test_says_so(self):
        self.serve()
        answer = self.heddle("tasks")
        self.assertEqual((answer.out, answer.err), ("", "heddle: this host has no chain workers: it gets one with a pipeline that says \"worker\"\n"))
        self.assertEqual(json.loads(self.heddle("tasks", "--json").out), {"workers": [], "tasks": [], "left_off": 0})
        self.assertIn("no transactions", self.heddle("txs").err)
        self.assertEqual(json.loads(self.heddle("txs", "--json").out), {"transactions": [], "failed": []})

    def test_what_it_does_not_have_is_one_sentence(self):
        self.serve()
        self.assertIn("no worker here has a task 0x1234", self.heddle("tasks", "show", "0x1234", code=USAGE).err)
        self.assertIn("no worker here has a task 0x1234", self.heddle("tasks", "cancel", "0x1234…", code=USAGE).err)
        self.assertIn('say at least 4 characters of the activity\'s id, not "0x1"', self.heddle("tasks", "show", "0x1", code=USAGE).err)
        self.assertIn('this host has no worker "w": it has none at all', self.heddle("tasks", "--worker", "w", code=USAGE).err)
        self.assertIn('no task is ever "runing"; did you mean "running"?', self.heddle("tasks", "--state", "runing", code=USAGE).err)
        self.assertIn('no worker "w" works here', self.heddle("txs", "--worker", "w", code=USAGE).err)

    def test_a_host_that_is_not_there_is_one_sentence(self):
        for verb in ("tasks", "txs"):
            self.assertIn("cannot reach the host at http://127.0.0.1:1", self.heddle(verb, "--host", "http://127.0.0.1:1", code=UNREACHABLE).err)


@unittest.skipIf(why_not(), why_not())
class AHostWithAWorker(HostCase):
    def setUp(self):
        super().setUp()
        self.story = Story(self.path("story"), queue="text", block_time=0.1)
        self.addCleanup(self.story.leave)

    def manifest(self, **worker):
        params = {"endpoints": [self.story.chain.url], "key": {"file": self.story.key_file}, "contracts": self.story.subnet.addresses, "confirmations": 2, "poll_ms": 50}
        return {"version": "heddle/1", "metadata": {"name": "text"}, "nodes": [node("quick", "Echo"), node("slow", "Delay", {"delay_ms": 86_400_000})], "connections": [],
                "worker": {"chain": "evm", "chain_params": params, "queues": [{"name": "text"}], "kinds": [{"kind": KIND, "node": "quick"}, {"kind": SLOW, "node": "slow"}],
                           "poll_ms": 50, **worker}}

    def serve_worker(self, **worker):
        os.makedirs(self.path("served"), exist_ok=True)
        self.write("served/text.json", self.manifest(**worker))
        return self.serve(store={"type": "Sqlite", "params": {"path": self.path("host.db")}})

    def tasks(self, *arguments):
        return json.loads(self.heddle("tasks", *arguments, "--json").out)

    def wait_for(self, what, condition):
        deadline = time.monotonic() + TIMEOUT
        while True:
            found = condition()
            if found:
                return found
            self.assertLess(time.monotonic(), deadline, f"never came: {what}: {self.tasks()}")
            time.sleep(0.05)

    def wait_for_task(self, activity, state):
        return self.wait_for(f"{activity} {state}", lambda: next((t for t in self.tasks("--state", state)["tasks"] if t["activity"] == activity), None))

    def metrics(self):
        with urllib.request.urlopen(self.url + "/metrics", timeout=TIMEOUT) as answer:
            return answer.read().decode()

    def sample(self, name):
        found = re.search(rf'(?m)^{re.escape(name)} (\S+)$', self.metrics())
        return float(found.group(1)) if found else None

    def test_shows_its_tasks_and_transactions_from_the_offer_to_the_end(self):
        ids = self.story.enqueue(3)
        self.serve_worker()
        for id in ids:
            self.wait_for_task(id, "settled")
        said = self.tasks()
        (worker,) = said["workers"]
        self.assertEqual((worker["worker"], worker["works"], worker["counts"]["settled"], said["left_off"]), ("text", True, 3, 0))
        self.assertEqual(worker["account"].lower(), self.story.subnet.workers[0].lower())
        self.assertGreater(worker["standing"]["block"], 0)
        self.assertEqual(self.tasks("--limit", "2")["left_off"], 1)

        shown = self.heddle("tasks", "show", ids[0][:20] + "…").out  # as a narrow terminal shows it
        self.assertRegex(shown, rf"(?m)^activity +{ids[0]}$")
        for move in ("offered", "claimed", "running", "computed", "submitted", "settled"):
            self.assertRegex(shown, rf"(?m)  {move}$")
        full = json.loads(self.heddle("tasks", "show", ids[0], "--json").out)
        self.assertEqual(full["transaction"]["stage"], "final")
        self.assertRegex(shown, rf"(?m)^transaction +{full['transaction']['transaction']}$")
        self.assertIn("has its outcome already", self.heddle("tasks", "cancel", ids[0], code=FAILED).err)

        table = self.heddle("tasks").out
        self.assertRegex(table, r"(?m)^text +yes +0x")
        self.assertRegex(table, rf"(?m)^{ids[0]} +settled +text +text ")
        txs = json.loads(self.heddle("txs", "--json").out)
        self.assertEqual(txs["failed"], [])
        self.assertEqual({(t["do"], t["key"]) for t in txs["transactions"]}, {(do, f"{id}/{do}/1") for id in ids for do in ("claim", "complete")})
        self.assertEqual({tuple(t["workers"]) for t in txs["transactions"]}, {("text",)})
        self.assertRegex(self.heddle("txs", "--worker", "text").out, rf"(?m)^ +\d+ +\w+ +complete +{ids[0]}/complete/1 ")
        self.wait_for("no open transactions", lambda: not json.loads(self.heddle("txs", "--open", "--json").out)["transactions"])

    def test_a_task_that_is_cancelled_has_failed_on_the_chain_with_the_reason(self):
        id = self.story.subnet.enqueue("text", {"text": "never"}, kind=SLOW)
        self.serve_worker()
        task = self.wait_for_task(id, "running")
        self.assertGreater(task["lease_until_unix"], 0)
        self.wait_for("the metric of a running task", lambda: self.sample('heddle_task_open{worker="text",state="running"}') == 1)
        answer = self.heddle("tasks", "cancel", id[:30], "--reason", "the input is wrong")
        self.assertEqual(answer.err, f"heddle: task {id} is given up; the chain is told why\n")
        self.wait_for_task(id, "failed")
        (activity,) = self.story.subnet.wait_until_over([id])
        self.assertFalse(activity["success"])
        self.assertIn("the input is wrong", self.heddle("tasks", "show", id).out)

    def test_a_worker_whose_manifest_changes_goes_on_with_the_new_one(self):
        slow = self.story.subnet.enqueue("text", {"text": "never"}, kind=SLOW)
        host = self.serve_worker()
        self.wait_for_task(slow, "running")
        for poll_ms in (60, 70, 80):
            self.write("served/text.json", {**self.manifest(poll_ms=poll_ms), "run": {"drain_ms": 100}})
            host.send_signal(signal.SIGHUP)
            (id,) = self.story.enqueue(1)
            self.wait_for_task(id, "settled")
            self.wait_for_task(slow, "running")
        self.heddle("tasks", "cancel", slow, "--reason", "enough")
        self.story.subnet.wait_until_over([slow])
        self.assertEqual(len(self.story.subnet.queue.events("ActivityFailed")), 1)

    def test_two_workers_of_one_account_are_refused(self):
        os.makedirs(self.path("served"), exist_ok=True)
        self.write("served/other.json", {**self.manifest(), "metadata": {"name": "other"}})
        self.serve_worker()
        workers = self.wait_for("one that works", lambda: [w for w in self.tasks()["workers"] if w["works"]])
        self.assertEqual(len(workers), 1)
        self.wait_for("the reason of the other one", lambda: any("works as" in w.get("why", "") for w in self.tasks()["workers"]))

    def test_prometheus_can_read_how_it_does(self):
        ids = self.story.enqueue(2)
        self.serve_worker()
        for id in ids:
            self.wait_for_task(id, "settled")
        labels = f'{{worker="text",account="{self.tasks()["workers"][0]["account"]}"}}'
        self.assertEqual(self.sample('heddle_task_worker_up{worker="text"}'), 1)
        self.assertEqual(self.sample('heddle_task_settled_total{worker="text"}'), 2)
        self.assertEqual(self.sample('heddle_task_work_to_submit_seconds_count{worker="text"}'), 2)
        self.assertGreater(self.sample("heddle_chain_balance" + labels), 1e20)
        self.assertEqual(self.sample("heddle_chain_gaps" + labels), 0)
        self.assertEqual(self.sample("heddle_chain_alarms" + labels), 0)
        self.assertEqual(self.sample(f'heddle_chain_endpoint_well{{worker="text",endpoint="{self.story.chain.url}",position="1"}}'), 1)
        self.wait_for("4 final transactions", lambda: self.sample("heddle_chain_transactions_final_total" + labels) == 4)
        if not shutil.which("promtool"):
            self.skipTest("promtool is not installed: it comes with the package prometheus")
        checked = subprocess.run(["promtool", "check", "metrics"], input=self.metrics(), capture_output=True, text=True, timeout=TIMEOUT, check=False)
        self.assertEqual((checked.returncode, checked.stdout + checked.stderr), (0, ""))

    def test_a_worker_that_cannot_start_says_why_and_not_its_key(self):
        os.chmod(self.story.key_file, 0o644)
        self.serve_worker()
        worker = self.wait_for("a reason", lambda: next((w for w in self.tasks()["workers"] if "about to start" not in w.get("why", "about to start")), None))
        self.assertFalse(worker["works"])
        shown = self.heddle("tasks")
        self.assertRegex(shown.out, r"(?m)^text +no ")
        self.assertRegex(shown.out, r"(?m)^text does not work: .*account\.key")
        self.assertNotIn(KEYS[1][2:], shown.out + shown.err + self.metrics())
        self.assertEqual(self.sample('heddle_task_worker_up{worker="text"}'), 0)

    # What the manual (packaging/man/heddle-worker.7) says of each is so.

    def test_a_database_that_is_gone_is_made_up_for_by_the_chain(self):
        id = self.story.subnet.enqueue("text", {"text": "never"}, kind=SLOW)
        host = self.serve_worker()
        self.wait_for_task(id, "running")
        host.kill()
        host.wait(TIMEOUT)
        for file in glob.glob(self.path("host.db*")):
            os.remove(file)
        self.serve_worker()
        self.wait_for_task(id, "running")
        self.assertRegex(self.heddle("tasks", "show", id).out, r"(?m)^history .*  claimed: found on the chain$")
        self.assertEqual(self.sample('heddle_task_repairs_total{worker="text"}'), 1)

    def test_an_account_that_has_too_little_waits_until_it_has_more(self):
        account = self.story.subnet.workers[0]
        self.story.chain.set_balance(account, 10**12)
        self.serve_worker()
        (id,) = self.story.enqueue(1)
        self.wait_for("a task that waits", lambda: any("has not enough" in task.get("waits_for", "") for task in self.tasks()["tasks"]))
        self.assertRegex(self.heddle("tasks").out, rf"(?m)^{id} +offered .* waits: the account 0x\w+ has not enough: it may cost \d+ wei, and there are 1000000000000 ")
        self.story.chain.set_balance(account, 10**20)
        self.wait_for_task(id, "settled")

    def test_a_number_that_somebody_else_has_used_is_an_alarm(self):
        id = self.story.subnet.enqueue("text", {"text": "never"}, kind=SLOW)
        self.serve_worker()
        self.wait_for_task(id, "running")
        self.wait_for("the end of the claim", lambda: not json.loads(self.heddle("txs", "--open", "--json").out)["transactions"])
        account, chain = self.story.subnet.workers[0], self.story.chain
        chain.set_block_time(0)  # nothing is mined by itself from here on
        self.heddle("tasks", "cancel", id)
        (ours,) = self.wait_for("a transaction", lambda: [t for t in json.loads(self.heddle("txs", "--open", "--json").out)["transactions"] if t["stage"] == "sent"])
        self.assertEqual(ours["key"], f"{id}/fail/1")
        chain.wait_for(lambda: chain.nonce(account, "pending") > ours["number"], "our transaction at the node")
        chain.send({"from": account, "to": account, "nonce": hex(ours["number"]), "maxFeePerGas": hex(10**12), "maxPriorityFeePerGas": hex(10**12)})
        chain.mine(4)
        chain.set_block_time(1)
        self.wait_for_task(id, "failed")
        alarm = f"number {ours['number']} of the account was used by a transaction that is not ours; what should have had it has another one"
        self.wait_for("an alarm", lambda: self.tasks()["workers"][0]["standing"]["alarms"] == [alarm])
        self.assertIn(f"text: {alarm}\n", self.heddle("tasks").out)
        self.assertEqual(self.sample(f'heddle_chain_alarms{{worker="text",account="{account}"}}'), 1)
        both = [(t["number"], t["stage"]) for t in json.loads(self.heddle("txs", "--json").out)["transactions"] if t["key"] == ours["key"]]
        self.assertEqual(both, [(ours["number"] + 1, "final"), (ours["number"], "conflict")])

    def test_an_account_that_is_not_active_takes_nothing_until_it_is(self):
        story = self.story
        story.subnet.control_plane.send("deactivateWorker", story.subnet.workers[0])
        self.serve_worker()
        self.wait_for("a reason", lambda: "is not an active worker" in self.tasks()["workers"][0].get("why", ""))
        story.subnet.activate(story.subnet.workers[0])
        self.wait_for("a worker", lambda: self.tasks()["workers"][0]["works"])
        self.assertEqual(self.heddle("tasks", code=OK).err, "heddle: no tasks\n")


if __name__ == "__main__":
    unittest.main()
