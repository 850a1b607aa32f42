#!/usr/bin/env python3
"""What a worker of a chain costs: how long it is between that a task is ours and that its work begins, and between its result and the transaction that tells it; and how long a worker needs to compare many
open tasks with the chain, those that it knows and those that it does not.

tasks.py HEDDLE PLUGINS [TASKS] [OPEN]: HEDDLE_CHAIN_TOOLS is where tests/chain/install has put the tools. Prints a line of JSON for each.
"""
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

FOLDER = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(FOLDER, ".."), os.path.join(FOLDER, "..", "story")]
from chain import why_not  # noqa: E402
from story import KIND, Story  # noqa: E402

HEDDLE, PLUGINS = sys.argv[1:3]
SLOW = "0x" + "51" * 20  # the kind of activities that take as long as the host lives
QUANTILES = (0.5, 0.9, 0.99)


class Worker:
    """A host with one worker."""

    def __init__(self, folder, story, **more):
        params = {"endpoints": [story.chain.url], "key": {"file": story.key_file}, "contracts": story.subnet.addresses, "confirmations": 2, "poll_ms": 50}
        node = lambda id, kind, **params: {"id": id, "node_type": kind, "params": params}  # noqa: E731
        manifest = {"version": "heddle/1", "metadata": {"name": "text"}, "nodes": [node("quick", "Echo"), node("slow", "Delay", delay_ms=86_400_000)], "connections": [],
                    "worker": {"chain": "evm", "chain_params": params, "queues": [{"name": "text"}], "kinds": [{"kind": KIND, "node": "quick"}, {"kind": SLOW, "node": "slow"}], "poll_ms": 50, **more}}
        os.makedirs(os.path.join(folder, "served"), exist_ok=True)
        config = {"listen": [{"endpoint": "127.0.0.1:0"}], "pipelines": os.path.join(folder, "served"), "drain_ms": 200, "store": {"type": "Sqlite", "params": {"path": os.path.join(folder, "host.db")}}}
        for name, text in (("served/text.json", manifest), ("host.json", config)):
            with open(os.path.join(folder, name), "w") as file:
                json.dump(text, file)
        self.lines, self.news = [], threading.Condition()
        self.began = time.monotonic()
        self.process = subprocess.Popen([HEDDLE, "serve", "--config", os.path.join(folder, "host.json"), "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "HEDDLE_PLUGIN_PATH": PLUGINS})
        threading.Thread(target=self._read, daemon=True).start()
        self.url = "http://" + json.loads(self.process.stdout.readline())["listeners"][0]["endpoint"]

    def _read(self):
        for line in self.process.stderr:
            with self.news:
                self.lines.append((time.monotonic() - self.began, line.decode()))
                self.news.notify_all()

    def seconds_until(self, pattern, times=1, timeout=300):
        """Since its start, until it has said that as often."""
        with self.news:
            found, seen, until = 0, 0, time.monotonic() + timeout
            while True:
                for at, line in self.lines[seen:]:
                    found += bool(re.search(pattern, line))
                    if found == times:
                        return at
                seen = len(self.lines)
                if time.monotonic() > until or not self.news.wait(1) and self.process.poll() is not None:
                    raise SystemExit(f"said {pattern!r} {found} of {times} times:\n" + "".join(line for _, line in self.lines[-20:]))

    def quantiles(self, name):
        """Upper bounds, in ms, of a histogram."""
        with urllib.request.urlopen(self.url + "/metrics") as answer:
            text = answer.read().decode()
        counts = [(float(bound) * 1000, int(count)) for bound, count in re.findall(name + r'_seconds_bucket\{[^}]*le="([^"]+)"\} (\d+)', text)]
        return {f"p{100 * q:g}_ms": next(bound for bound, count in counts if count >= q * counts[-1][1]) for q in QUANTILES}

    def end(self, how=signal.SIGKILL):
        self.process.send_signal(how)
        self.process.wait()


def overhead(count):
    """One at a time, as they come: what is measured is the way, not the queue."""
    with tempfile.TemporaryDirectory() as folder:
        story = Story(folder, block_time=0.1)
        try:
            worker = Worker(folder, story)
            worker.seconds_until("works as")
            for at in range(0, count, 4):
                ids = story.subnet.enqueue_many("text", [json.dumps({"text": str(i)}).encode() for i in range(at, min(at + 4, count))], kind=KIND)
                story.subnet.wait_until_over(ids)
            print(json.dumps({"tasks": count, **{what: worker.quantiles("heddle_task_" + what) for what in ("claim_to_work", "work_to_submit")}}), flush=True)
            worker.end(signal.SIGTERM)
        finally:
            story.leave()


def compared(count):
    with tempfile.TemporaryDirectory() as folder:
        story = Story(folder, block_time=0.1, lease_seconds=86_400)
        try:
            chain, queue, account = story.chain, story.subnet.queue, story.subnet.workers[0]
            chain.rpc("evm_setBlockGasLimit", hex(2_000_000_000))
            chain.wait_for_blocks(2)

            def send_all(sender, gas, data):
                """The price is one that no base fee gets to."""
                receipts = chain.send_all(sender, [{"to": queue.address, "data": one, "gas": hex(gas), "gasPrice": hex(50_000_000_000)} for one in data])
                assert all(receipt["status"] == "0x1" for receipt in receipts)
            inputs = [json.dumps({"text": str(i)}).encode() for i in range(count)]
            send_all(story.subnet.owner, 16_000_000, [queue.data("enqueueMany", "text", 0, SLOW, inputs[at:at + 40]) for at in range(0, count, 40)])
            ids = [event["activityId"] for event in queue.events("ActivityEnqueued")]
            print(f"{len(ids)} activities are there", file=sys.stderr, flush=True)
            send_all(account, 1_000_000, [queue.data("claimActivity", id) for id in ids])
            print("all are claimed", file=sys.stderr, flush=True)
            held = len(queue.call("getWorkerActivities", account))
            assert held == count, held
            worker = Worker(folder, story)
            works = worker.seconds_until("works as")
            unknown = worker.seconds_until("was found on the chain as ours", count) - works
            worker.seconds_until("the chain has .* tasks as ours")
            time.sleep(3)
            worker.end()
            again = Worker(folder, story)
            works = again.seconds_until("works as")
            known = again.seconds_until(f"the chain has {count} tasks as ours; 0 ") - works
            print(json.dumps({"open": count, "not_known_s": round(unknown, 2), "known_s": round(known, 2), "start_s": round(works, 2)}), flush=True)
            again.end()
        finally:
            story.leave()


if __name__ == "__main__":
    if why_not():
        sys.exit(why_not())
    overhead(int(sys.argv[3]) if len(sys.argv) > 3 else 400)
    compared(int(sys.argv[4]) if len(sys.argv) > 4 else 10_000)
