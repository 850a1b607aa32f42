#!/usr/bin/env python3
"""The whole life of a chain worker, on this machine alone: a chain, contracts, a worker that is registered, work that is asked for and done.

story.py FOLDER [--tasks N] [--queue NAME] -- COMMAND …    starts a chain, deploys the contracts, makes FOLDER/account.key, and runs COMMAND, which is to be the worker. When all N (10) activities
are over, it prints them, stops COMMAND by SIGTERM, and the chain. Exit 0: all were completed, and COMMAND ended well.

COMMAND finds in its environment: CHAIN_URL; CHAIN_KEY, the path of the key file; CHAIN_QUEUE, the name of the queue; CONTROL_PLANE, TASK_QUEUE and WORKFLOW_ENGINE, the contracts' addresses.
HEDDLE_CHAIN_TOOLS is where tests/chain/install has put the tools.
"""
import argparse
import json
import os
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from chain import KEYS, TIMEOUT, Chain, why_not  # noqa: E402
from contracts import Subnet  # noqa: E402

SENTENCES = ["to be or not to be", "the quick brown fox", "a chain is as strong as its weakest link", "one", "work offered by a chain has durable states", "nothing is done twice",
             "the host may be killed at any moment", "what was taken is not lost", "asking again is how everything goes on", "and that is all"]
KIND = "0x" + "c0" * 20  # of the activities: text/count; the address of nothing


def write_secret(path, text):
    """Only its owner may know what is in it."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(text + "\n")


class Story:
    """A chain with everything that a worker needs; its account is the chain's second, which is active."""

    def __init__(self, folder, queue="text", block_time=0.2, lease_seconds=60):
        os.makedirs(folder, exist_ok=True)
        self.queue, self.key_file = queue, os.path.join(folder, "account.key")
        self.chain = Chain.anvil(folder, block_time=block_time)
        try:
            self.subnet = Subnet(self.chain, lease_seconds)
            self.subnet.activate(self.subnet.workers[0])
            write_secret(self.key_file, KEYS[1])
        except BaseException:
            self.leave()
            raise

    def leave(self):
        self.chain.leave()

    @property
    def environment(self):
        contracts = {name.upper(): address for name, address in self.subnet.addresses.items()}
        return {"CHAIN_URL": self.chain.url, "CHAIN_KEY": os.path.abspath(self.key_file), "CHAIN_QUEUE": self.queue, **contracts}

    def enqueue(self, tasks):
        return [self.subnet.enqueue(self.queue, {"text": SENTENCES[i % len(SENTENCES)]}, kind=KIND) for i in range(tasks)]

    def reverted(self, account):
        """The transactions of an account that a block has and that did nothing."""
        blocks = [self.chain.rpc("eth_getBlockByNumber", hex(n), True) for n in range(self.chain.block_number() + 1)]
        mine = [t["hash"] for block in blocks for t in block["transactions"] if t["from"] == account.lower()]
        return [hash for hash in mine if self.chain.receipt(hash)["status"] != "0x1"]

    def over(self, ids):
        """Those that are."""
        return [a for a in map(self.subnet.activity, ids) if a["isCompleted"]]


def wait_for_all(story, ids, worker):
    """Says each activity as it ends. False: the worker ended before, or it takes too long."""
    told, deadline = set(), time.monotonic() + TIMEOUT
    while len(told) < len(ids):
        for activity in story.over([id for id in ids if id not in told]):
            told.add(activity["activityId"])
            deadline = time.monotonic() + TIMEOUT
            said = activity["resultData"].decode("utf-8", "replace") if activity["success"] else "failed"
            print(f"{activity['activityId'][:10]}…  {json.loads(activity['inputData'])['text']!r}  →  {said}", flush=True)
        if worker.poll() is not None:
            print(f"the worker has ended with {worker.returncode}, and {len(ids) - len(told)} activities are open", file=sys.stderr)
            return False
        if time.monotonic() > deadline:
            print(f"nothing happens any more, and {len(ids) - len(told)} activities are open", file=sys.stderr)
            return False
        time.sleep(0.1)
    return True


def end(worker):
    """Its exit code."""
    if worker.poll() is None:
        worker.send_signal(signal.SIGTERM)
    try:
        return worker.wait(TIMEOUT)
    except subprocess.TimeoutExpired:
        worker.kill()
        return worker.wait()


def arguments():
    parser = argparse.ArgumentParser(usage="story.py FOLDER [--tasks N] [--queue NAME] -- COMMAND …")
    parser.add_argument("folder")
    parser.add_argument("--tasks", type=int, default=10)
    parser.add_argument("--queue", default="text")
    parser.add_argument("command", nargs="+")
    return parser.parse_args()


def main():
    args = arguments()
    missing = why_not()
    if missing:
        sys.exit(missing)
    story, worker = Story(args.folder, args.queue), None
    try:
        print(f"a chain at {story.chain.url}, its contracts, and an active worker: {story.subnet.workers[0]}", flush=True)
        ids = story.enqueue(args.tasks)
        print(f"{len(ids)} activities wait in the queue \"{args.queue}\"", flush=True)
        worker = subprocess.Popen(args.command, env={**os.environ, **story.environment}, stdin=subprocess.DEVNULL)
        done = wait_for_all(story, ids, worker)
        completed = sum(a["success"] for a in story.over(ids))
        code = end(worker)
        print(f"{completed} of {len(ids)} activities were completed; the worker ended with {code}", flush=True)
    finally:
        if worker and worker.poll() is None:
            worker.kill()
            worker.wait()
        story.leave()
    sys.exit(0 if done and completed == len(ids) and code in (0, 128 + signal.SIGTERM) else 1)


if __name__ == "__main__":
    main()
