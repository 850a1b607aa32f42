"""Workers of a chain: whatever is killed and whenever, every activity is settled on the chain once."""
import json
import os
import random
import re
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
import unittest

from host import HostCase
from program import OK, SANITIZED, SOURCE, TIMEOUT, USAGE, node, pipeline
from workers import free_port

sys.path.insert(0, os.path.join(SOURCE, "tests", "chain"))
from chain import KEYS, Chain, why_not  # noqa: E402
from contracts import Subnet  # noqa: E402
from endpoint import CUT, Endpoint, be_behind, honest, lie_about_nonces, swallow_sends  # noqa: E402

PYTHON = "/usr/bin/python3"  # the one that has Debian's grpcio
DOUBLE, SLOW, LONG, HANG, TELL = ("0x" + byte * 20 for byte in ("d0", "50", "10", "4a", "7e"))
# Of the first account that anvil and hardhat give to everybody; its password is another one than those of the tests.
KEYSTORE = json.dumps({"version": 3, "crypto": {
    "cipher": "aes-128-ctr", "cipherparams": {"iv": "000102030405060708090a0b0c0d0e0f"}, "ciphertext": "3ec3fda9296b1fcfb1c14f29ae9a1d8c2af3d2b0b31cdc0b46286d8b6dd36534",
    "kdf": "scrypt", "kdfparams": {"dklen": 32, "n": 2, "r": 1, "p": 1, "salt": "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"},
    "mac": "6da32bb8d51136d8218a2c2b4c7723c77c7842ae48c3d70f96e4a1113b0f686b"}})
KINDS = {DOUBLE: "double", SLOW: "slow", LONG: "long", HANG: "hang", TELL: "tell"}


class Sidecar:
    """A worker process at a port of its own, which stays the same when it is started again."""

    def __init__(self, case, slots=4, version="1.0.0"):
        self.port, self.slots, self.version, self.process = free_port(), slots, version, None
        self.endpoint = f"127.0.0.1:{self.port}"
        case.addCleanup(self.kill)
        self.start()

    def start(self):
        self.process = subprocess.Popen([PYTHON, f"{SOURCE}/tests/e2e/chain_workers.py", str(self.port), str(self.slots), self.version], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                        env={**os.environ, "PYTHONPATH": f"{SOURCE}/sdk/python", "PYTHONDONTWRITEBYTECODE": "1"})

    def wait(self):
        """Until it listens."""
        deadline = time.monotonic() + TIMEOUT
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return self
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def kill(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None


class Working:
    """A running `heddle run` of a worker; what it says is read as it comes."""

    def __init__(self, case, manifest, *arguments, env=None):
        self.case, self.log = case, []
        self.news = threading.Condition()
        self.process = case.start("run", manifest, *arguments, env=env)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        case.addCleanup(self.kill)

    def _read(self):
        for line in self.process.stderr:
            with self.news:
                self.log.append(line.decode())
                self.news.notify_all()
        with self.news:
            self.log.append("")
            self.news.notify_all()

    @property
    def text(self):
        return "".join(self.log)

    def wait_for(self, pattern):
        deadline = time.monotonic() + TIMEOUT
        with self.news:
            while True:
                found = re.search(pattern, self.text)
                if found:
                    return found
                if (self.log and not self.log[-1]) or not self.news.wait(deadline - time.monotonic()):
                    raise AssertionError(f"never said {pattern!r}:\n{self.text}")

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.reader.join(TIMEOUT)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.case.assertEqual(self.process.wait(TIMEOUT), OK, self.text)
        self.reader.join(TIMEOUT)


@unittest.skipIf(why_not(), why_not())
class WorkerCase(HostCase):
    def setUp(self):
        super().setUp()
        self.chain = Chain.anvil(self.folder)
        self.addCleanup(self.chain.leave)
        self.net = Subnet(self.chain, lease_seconds=self.LEASE)
        self.net.activate(*self.net.workers[:2])

    LEASE = 60

    def key_file(self, which=1, mode=0o600):
        path = self.write(f"account{which}.key", KEYS[which] + "\n")
        os.chmod(path, mode)
        return path

    def chain_params(self, *endpoints, which=1, **more):
        return {"endpoints": list(endpoints) or [self.chain.url], "key": {"file": self.key_file(which)}, "contracts": self.net.addresses, "poll_ms": 50, "confirmations": 2, **more}

    def manifest(self, sidecar, chain_params=None, queues=None, name="test", lanes=None, timeout_ms=600_000, **worker):
        nodes = [node(kind, "Sidecar", {"endpoints": [sidecar if isinstance(sidecar, str) else sidecar.endpoint], "kind": kind, "timeout_ms": timeout_ms, "grace_ms": 500}, idempotent=True)
                 for kind in KINDS.values()]
        work = {"chain": "evm", "chain_params": chain_params or self.chain_params(), "queues": queues or [{"name": "q"}],
                "kinds": [{"kind": kind, "node": name} for kind, name in KINDS.items()], "poll_ms": 100, **worker}
        more = {"lanes": lanes} if lanes else {}
        return {**pipeline(*nodes, connections=[], **more), "metadata": {"name": name}, "worker": work}

    def work(self, manifest, state="state", **more):
        name = manifest["metadata"]["name"]
        return Working(self, self.write(f"{name}.json", manifest), "--state-dir", self.path(state), **more)

    def completions(self):
        """By activity: how often, and what."""
        done = {}
        for event in self.net.queue.events("ActivityCompleted"):
            done.setdefault(event["activityId"], []).append(event)
        return done

    def assert_all_once(self, ids):
        done = self.completions()
        self.assertEqual({id: len(done.get(id, [])) for id in ids}, {id: 1 for id in ids})
        self.assertEqual(self.net.queue.events("ActivityFailed"), [])


class WorkTest(WorkerCase):
    def test_activities_are_done_by_the_sidecar_and_settled(self):
        working = self.work(self.manifest(Sidecar(self)))
        ids = [self.net.enqueue("q", {"n": n}, kind=DOUBLE) for n in range(5)]
        results = [json.loads(a["resultData"]) for a in self.net.wait_until_over(ids)]
        self.assertEqual(results, [{"twice": 2 * n} for n in range(5)])
        for id in ids:
            working.wait_for(f"task {id} is settled")
        self.assert_all_once(ids)
        working.stop()

    def test_what_the_sidecar_cannot_do_is_told_with_its_reason(self):
        self.work(self.manifest(Sidecar(self)))
        id = self.net.enqueue("q", {"m": 1}, kind=DOUBLE)
        self.net.wait_until_over([id])
        failed = self.net.queue.events("ActivityFailed")
        self.assertEqual([e["activityId"] for e in failed], [id])
        self.assertIn("n", failed[0]["reason"])

    def test_kinds_of_others_are_left_to_them(self):
        working = self.work(self.manifest(Sidecar(self)))
        other = self.net.enqueue("q", {"n": 1}, kind="0x" + "ee" * 20, priority=0)
        working.wait_for("of the kind 0x" + "ee" * 20 + " are left to others")
        self.assertFalse(self.net.activity(other)["isAssigned"])

    def test_kinds_of_others_do_not_hide_what_is_behind_them(self):
        others = self.net.enqueue_many("q", [b"{}"] * 3, kind="0x" + "ee" * 20)
        sidecar = Sidecar(self)
        first = self.work(self.manifest(sidecar, limit=1))
        ids = [self.net.enqueue("q", {"n": 60}, kind=LONG)]
        first.wait_for(f"task {ids[0]} is worked on")
        ids += [self.net.enqueue("q", {"n": n}, kind=DOUBLE) for n in range(3)]
        time.sleep(1)  # it has heard of them, has no room, and will not hear of them again
        first.kill()
        self.work(self.manifest(sidecar, reconcile_ms=1000))
        self.net.wait_until_over(ids)
        self.assertTrue(all(not self.net.activity(id)["isAssigned"] for id in others))

    def test_two_workers_on_a_queue_never_both_complete_an_activity(self):
        workers = [self.work(self.manifest(Sidecar(self), self.chain_params(which=n), name=f"worker{n}"), f"state{n}") for n in (1, 2)]
        for worker in workers:
            worker.wait_for("works as")
        ids = self.net.enqueue_many("q", [json.dumps({"n": 20}).encode() for n in range(40)], kind=LONG)  # a second each, in 4 slots of each
        over = self.net.wait_until_over(ids)
        self.assert_all_once(ids)
        self.assertEqual(len({a["assignedWorker"].lower() for a in over}), 2, "both were to have some of them")
        for worker in workers:
            worker.stop()

    def test_a_worker_that_was_stopped_goes_on_where_it_was(self):
        sidecar = Sidecar(self)
        manifest = self.manifest(sidecar)
        working = self.work(manifest)
        id = self.net.enqueue("q", {"n": 60}, kind=LONG)
        working.wait_for(f"task {id} is worked on")
        time.sleep(1)
        working.kill()
        self.work(manifest)
        self.net.wait_until_over([id])
        self.assert_all_once([id])

    def test_with_the_database_gone_what_is_owed_is_found_on_the_chain(self):
        sidecar = Sidecar(self)
        manifest = self.manifest(sidecar)
        working = self.work(manifest, "first")
        ids = [self.net.enqueue("q", {"n": 40}, kind=LONG) for _ in range(3)]
        for id in ids:
            working.wait_for(f"task {id} is worked on")
        working.kill()
        again = self.work(manifest, "second")
        for id in ids:
            again.wait_for(f"task {id} was found on the chain as ours")
        self.net.wait_until_over(ids)
        self.assert_all_once(ids)

    def test_a_database_of_yesterday_does_no_harm(self):
        sidecar = Sidecar(self)
        manifest = self.manifest(sidecar)
        first = self.work(manifest)
        before = self.net.enqueue("q", {"n": 1}, kind=DOUBLE)
        first.wait_for(f"task {before} is settled")
        first.stop()
        subprocess.run(["cp", "-r", self.path("state"), self.path("old")], check=True)
        second = self.work(manifest)
        ids = [self.net.enqueue("q", {"n": n}, kind=DOUBLE) for n in range(4)]
        for id in ids:
            second.wait_for(f"task {id} is settled")
        second.kill()
        third = self.work(manifest, "old")
        more = [self.net.enqueue("q", {"n": n}, kind=DOUBLE) for n in range(4)]
        for id in more:
            third.wait_for(f"task {id} is settled")
        self.assert_all_once([before, *ids, *more])

    def test_a_damaged_database_is_refused_and_left_as_it_is(self):
        os.makedirs(self.path("state"))
        damaged = b"no database at all" * 100
        with open(self.path("state/chains.db"), "wb") as file:
            file.write(damaged)
        answer = self.heddle("run", self.write("m.json", self.manifest("127.0.0.1:1")), "--state-dir", self.path("state"), code=None)
        self.assertNotEqual(answer.code, OK)
        self.assertIn("chains.db", answer.err)
        with open(self.path("state/chains.db"), "rb") as file:
            self.assertEqual(file.read(), damaged)


class LaneTest(WorkerCase):
    def test_a_higher_lane_takes_the_slot_of_a_task_that_later_goes_on_from_its_checkpoint(self):
        sidecar = Sidecar(self, slots=1).wait()
        os.makedirs(self.path("served"))
        queues = [{"name": "slow", "lane": "low"}, {"name": "urgent", "lane": "high"}]
        self.write("served/work.json", self.manifest(sidecar, queues=queues))
        self.serve(store={"type": "Sqlite", "params": {"path": self.path("host.db")}}, lanes={"low": {"priority": 5, "preemptible": True}, "high": {"priority": 1}})
        slow = self.net.enqueue("slow", {"n": 160}, kind=LONG)  # eight seconds
        self.chain.wait_for(lambda: any(t["percent"] > 20 for t in json.loads(self.heddle("tasks", "--json").out)["tasks"]), "progress of the slow one")
        urgent = self.net.enqueue("urgent", {"n": 21}, kind=DOUBLE)
        self.net.wait_until_over([urgent])
        self.assertNotIn(slow, self.completions())
        over = {a["activityId"]: json.loads(a["resultData"]) for a in self.net.wait_until_over([slow, urgent])}
        self.assertEqual(over[urgent], {"twice": 42})
        self.assertGreater(over[slow]["begun"], 0)
        self.assert_all_once([slow, urgent])


class SecretTest(WorkerCase):
    def test_no_key_or_token_is_in_any_output_or_file(self):
        sidecar = Sidecar(self)
        params = self.chain_params()
        params["endpoints"] = [{"url": self.chain.url + "/?canary-in-the-query", "token": "canary-of-a-token"}]
        params["insecure"] = True
        manifest = self.manifest(sidecar, params)
        working = self.work(manifest)
        id = self.net.enqueue("q", {"n": 1}, kind=DOUBLE)
        working.wait_for(f"task {id} is settled")
        working.stop()
        said = working.text.encode() + self.heddle("plan", self.path("test.json"), "--full").out_bytes
        for folder, _, files in os.walk(self.path("state")):
            for name in files:
                with open(os.path.join(folder, name), "rb") as file:
                    said += file.read()
        for canary in (KEYS[1][2:].encode(), bytes.fromhex(KEYS[1][2:]), b"canary-of-a-token", b"canary-in-the-query"):
            self.assertNotIn(canary, said)

    def test_no_signature_of_a_presigned_url_is_in_any_output_or_file_or_on_the_chain(self):
        manifest = self.manifest(Sidecar(self))
        broker = {"type": "s3", "params": {"endpoint": "http://127.0.0.1:1", "region": "r", "bucket": "jobs", "access_key": "ACCESS", "secret_key": "${env.STORE_SECRET}"}}
        next(one for one in manifest["nodes"] if one["id"] == "tell")["params"]["broker"] = broker
        working = self.work(manifest, env={"STORE_SECRET": "canary-of-the-store"})
        id = self.net.enqueue("q", {"object": {"$ref": "a/thing"}}, kind=TELL)
        working.wait_for(f"task {id} has failed")
        working.stop()
        [event] = self.net.queue.events("ActivityFailed")
        self.assertIn("403 from", event["reason"])
        said = working.text.encode() + event["reason"].encode()
        for folder, _, files in os.walk(self.path("state")):
            for name in files:
                with open(os.path.join(folder, name), "rb") as file:
                    said += file.read()
        for canary in (b"X-Amz-Signature=", b"X-Amz-Credential=", b"canary-of-the-store"):
            self.assertNotIn(canary, said)

    @unittest.skipIf(SANITIZED, "sanitizers leave no core files in any case")
    def test_a_crash_leaves_no_core_file_where_there_are_secrets(self):
        with open("/proc/sys/kernel/core_pattern", encoding="utf-8") as file:
            pattern = file.read()
        if pattern.startswith(("|", "/")):
            self.skipTest("core files of this machine go elsewhere: " + pattern.strip())
        limit = resource.getrlimit(resource.RLIMIT_CORE)
        if limit[1] == 0:
            self.skipTest("no process here may leave a core file")
        resource.setrlimit(resource.RLIMIT_CORE, (limit[1], limit[1]))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_CORE, limit)

        def has_core_file():
            return any(name.startswith("core") for name in os.listdir(self.folder))
        working = self.work(self.manifest(Sidecar(self)))
        working.wait_for("works as")
        working.process.send_signal(signal.SIGABRT)
        self.assertEqual(working.process.wait(TIMEOUT), -signal.SIGABRT)
        self.assertFalse(has_core_file())
        without = self.start("run", self.write("echo.json", pipeline(node("e", "Echo"))), "--input", "-", stdin=subprocess.PIPE)
        without.stdin.write(b"1\n")
        without.stdin.flush()
        without.stdout.readline()
        without.send_signal(signal.SIGABRT)
        self.assertEqual(without.wait(TIMEOUT), -signal.SIGABRT)
        self.assertTrue(has_core_file(), "so the test can see one")


class LeaseTest(WorkerCase):
    LEASE = 4

    def test_heartbeats_keep_what_takes_longer_than_its_lease(self):
        working = self.work(self.manifest(Sidecar(self)))
        id = self.net.enqueue("q", {"n": 200}, kind=LONG)  # ten seconds
        self.net.wait_until_over([id])
        self.assert_all_once([id])
        self.assertGreaterEqual(len(self.net.queue.events("ActivityHeartbeat")), 2)
        working.stop()

    def test_who_was_cut_off_until_the_lease_ended_tells_nothing_and_another_one_does_it(self):
        cut = Endpoint(self.chain.url)
        self.addCleanup(cut.leave)
        sidecar = Sidecar(self, slots=8)
        first = self.work(self.manifest(sidecar, self.chain_params(cut.url), name="first"), "state1")
        id = self.net.enqueue("q", {"n": 120}, kind=LONG)
        first.wait_for(f"task {id} is worked on")
        cut.rule = lambda call, ask: CUT
        second = self.work(self.manifest(sidecar, self.chain_params(which=2), name="second"), "state2")
        second.wait_for(f"task {id} is settled")
        cut.rule = honest
        first.wait_for(f"task {id} is lost to us")
        self.assert_all_once([id])
        self.assertEqual(self.net.activity(id)["assignedWorker"].lower(), self.net.workers[1].lower())


class SidecarFaultTest(WorkerCase):
    def test_one_that_hangs_is_given_up_and_what_it_says_later_of_the_old_run_counts_nothing(self):
        sidecar = Sidecar(self)
        working = self.work(self.manifest(sidecar, timeout_ms=2000))
        id = self.net.enqueue("q", {"n": 4}, kind=SLOW)
        working.wait_for(f"task {id} is worked on")
        sidecar.process.send_signal(signal.SIGSTOP)
        working.wait_for(f"task {id} is worked on once more")
        sidecar.process.send_signal(signal.SIGCONT)
        working.wait_for(f"task {id} is settled")
        self.assert_all_once([id])
        self.assertEqual(json.loads(self.net.activity(id)["resultData"]), {"twice": 8})

    def test_what_hangs_every_time_is_told_with_its_reason(self):
        working = self.work(self.manifest(Sidecar(self), timeout_ms=500, max_attempts=2))
        [hanging, fine] = [self.net.enqueue("q", {"n": 4}, kind=kind) for kind in (HANG, DOUBLE)]
        self.net.wait_until_over([hanging, fine])
        working.wait_for(f"task {hanging} has failed")
        [event] = self.net.queue.events("ActivityFailed")
        self.assertEqual(event["activityId"], hanging)
        self.assertRegex(event["reason"], r"it took longer than \d+ ms")
        self.assertEqual(json.loads(self.net.activity(fine)["resultData"]), {"twice": 8})


class ChainFaultTest(WorkerCase):
    def test_a_chain_that_makes_no_blocks_for_a_while_is_waited_for(self):
        self.work(self.manifest(Sidecar(self)))
        ids = [self.net.enqueue("q", {"n": n}, kind=SLOW) for n in range(8)]
        self.chain.wait_for(lambda: self.completions(), "the first one")
        self.chain.set_block_time(0)
        self.chain.set_automine(False)
        time.sleep(3)
        before = self.chain.block_number()
        time.sleep(1)
        self.assertEqual(self.chain.block_number(), before)
        self.chain.set_block_time(1)
        self.net.wait_until_over(ids)
        self.assert_all_once(ids)

    def test_of_two_endpoints_that_disagree_neither_loses_nor_doubles_anything(self):
        for name, rule in (("numbers", lie_about_nonces(5)), ("age", be_behind(4)), ("forgetting", swallow_sends(3))):
            with self.subTest(name):
                liar = Endpoint(self.chain.url, rule)
                self.addCleanup(liar.leave)
                working = self.work(self.manifest(Sidecar(self), self.chain_params(liar.url, self.chain.url, confirmations=6, bump_after_ms=1000, rebroadcast_ms=500), name=name), name)
                ids = [self.net.enqueue("q", {"n": n}, kind=DOUBLE) for n in range(10)]
                self.net.wait_until_over(ids)
                self.assert_all_once(ids)
                working.stop()


class GateTest(WorkerCase):
    def refused(self, manifest, *words):
        answer = self.heddle("run", self.write("m.json", manifest), "--state-dir", self.path("state"), code=USAGE)
        for word in words:
            self.assertIn(word, answer.err)
        self.assertNotIn(KEYS[1][2:], answer.err)
        return answer

    def test_a_worker_that_is_not_active_is_refused(self):
        self.net.control_plane.send("deactivateWorker", self.net.workers[0])
        self.refused(self.manifest("127.0.0.1:1"), "is not an active worker", self.net.workers[0].lower())

    def test_contracts_of_another_version_are_refused_and_both_are_said(self):
        self.refused(self.manifest("127.0.0.1:1", versions={"min": "2.0.0", "max": "2.9.0"}), "have version 1.0.0", "wants 2.0.0 to 2.9.0")

    def test_a_sidecar_of_another_version_is_refused_and_both_are_said(self):
        self.refused(self.manifest(Sidecar(self, version="3.1.0").wait()), "speaks versions 3.1.0", "1.0.0")

    def test_a_queue_in_a_lane_whose_places_its_own_nodes_wait_for_is_refused(self):
        manifest = {**self.manifest("127.0.0.1:1"), "lanes": {"default": {"max_concurrency": 1}}}
        self.refused(manifest, "is worked on in the lane \"default\", whose places are limited", "\"limit\"")

    def test_another_chain_is_refused(self):
        self.refused(self.manifest("127.0.0.1:1", self.chain_params(chain_id=1)), "31337")

    def test_a_key_that_others_can_read_is_refused(self):
        params = self.chain_params()
        os.chmod(self.path("account1.key"), 0o644)
        self.refused(self.manifest("127.0.0.1:1", params), "account1.key", "0644")

    def test_a_wrong_password_is_refused_and_not_shown(self):
        params = self.chain_params()
        keystore, password = self.write("account.json", KEYSTORE), self.write("password", "not the right one, canary\n")
        for path in (keystore, password):
            os.chmod(path, 0o600)
        params["key"] = {"keystore": keystore, "password_file": password}
        answer = self.refused(self.manifest("127.0.0.1:1", params), "password", "account.json")
        self.assertNotIn("canary", answer.err)

    def test_one_key_in_two_processes_of_one_state_is_refused(self):
        sidecar = Sidecar(self)
        self.work(self.manifest(sidecar)).wait_for("works as")
        answer = self.heddle("run", self.write("second.json", self.manifest(sidecar)), "--state-dir", self.path("state"), code=None)
        self.assertNotEqual(answer.code, OK)
        self.assertIn("chains.db", answer.err)


class StepTest(WorkerCase):
    LEASE = 600

    @staticmethod
    def step_of(call):
        """What is asked of the chain, and of eth_call which function."""
        data = call["params"][0].get("data", call["params"][0].get("input", "")) if call["method"] in ("eth_call", "eth_estimateGas") else ""
        return call["method"] + (" " + data[:10] if data else "")

    def test_a_host_that_is_killed_at_any_step_settles_each_activity_once(self):
        """From its start on: before the chain has the question, and when it has answered and nobody has heard it; and when the journal has the task in its new state."""
        seen, target, struck = [], None, threading.Event()
        endpoint, sidecar = Endpoint(self.chain.url), Sidecar(self).wait()
        self.addCleanup(endpoint.leave)
        manifest = self.manifest(sidecar, self.chain_params(endpoint.url))
        ids, lives = [], []

        def live():
            ids.append(self.net.enqueue("q", {"n": len(ids)}, kind=DOUBLE))
            seen.clear()
            struck.clear()
            lives.append(self.work(manifest))
            return lives[-1]

        def rule(call, ask):
            seen.append(self.step_of(call))
            here = target and target[:2] == (seen[-1], seen.count(seen[-1])) and not struck.is_set()
            answer = None if here and target[2] == "before" else ask(call)
            if not here:
                return answer
            lives[-1].process.kill()
            struck.set()
            return CUT
        endpoint.rule = rule
        working = live()
        working.wait_for(f"task {ids[0]} is settled")
        working.kill()
        questions = [(step, time, when) for step in sorted(set(seen)) for time in (1, 2, 3)[:seen.count(step)] for when in ("before", "after")]
        self.assertIn(("eth_sendRawTransaction", 2, "after"), questions)
        for target in questions:
            working = live()
            self.chain.wait_for(lambda: struck.is_set() or f"task {ids[-1]} is settled" in working.text, str(target))
            working.kill()
            self.assertTrue(struck.is_set() or target[1] > 1, target)  # how often something is asked depends on how fast all are
        target = None
        states = ("is ours", "is worked on", "is done", "is told to the chain", "is settled")
        for state in states:
            working = live()
            working.wait_for(f"task {ids[-1]} {state}")
            working.kill()
        self.work(manifest)
        self.net.wait_until_over(ids)
        self.chain.wait_for_blocks(3)
        self.assert_all_once(ids)
        self.assertEqual([json.loads(self.net.activity(id)["resultData"]) for id in ids], [{"twice": 2 * n} for n in range(len(ids))])
        print(f"killed at {len(questions)} questions and {len(states)} states", file=sys.stderr)


class KillTest(WorkerCase):
    LEASE = 600
    ACTIVITIES, KILLS = (120, 15) if SANITIZED else (500, 50)

    def test_whatever_is_killed_each_activity_is_settled_once(self):
        chance = random.Random(20261122)
        endpoint, sidecar = Endpoint(self.chain.url), Sidecar(self, slots=16)
        self.addCleanup(endpoint.leave)
        manifest = self.manifest(sidecar, self.chain_params(endpoint.url))
        ids = self.net.enqueue_many("q", [json.dumps({"n": n}).encode() for n in range(self.ACTIVITIES)], kind=SLOW)
        working, kills = self.work(manifest), {"host": 0, "sidecar": 0, "chain": 0}
        deadline = time.monotonic() + 900

        def goes_on(working):
            """As a supervisor does: a host that cannot ask the chain when it starts says so and ends."""
            self.assertLess(time.monotonic(), deadline, working.text[-4000:])
            return working if working.process.poll() is None else self.work(manifest)
        for number, what in enumerate([*kills, *chance.choices(list(kills), k=self.KILLS - len(kills))]):
            while len(self.completions()) < number * len(ids) // (self.KILLS + 5):  # a kill for every few that are settled, and the last ones in peace
                working = goes_on(working)
                time.sleep(0.1)
            time.sleep(chance.uniform(0.0, 1.0))
            kills[what] += 1
            if what == "host":
                working.kill()
                working = self.work(manifest)
            elif what == "sidecar":
                sidecar.kill()
                sidecar.start()
            else:
                endpoint.rule = lambda call, ask: CUT
                time.sleep(chance.uniform(0.1, 1.0))
                endpoint.rule = honest
        while len(self.completions()) < len(ids):
            working = goes_on(working)
            time.sleep(0.5)
        self.chain.wait_for_blocks(3)
        self.assert_all_once(ids)
        by_id = dict(zip(ids, range(self.ACTIVITIES)))
        for id in chance.sample(ids, 20):
            self.assertEqual(json.loads(self.net.activity(id)["resultData"]), {"twice": 2 * by_id[id]})
        print(f"{len(ids)} activities, killed: {kills}", file=sys.stderr)


if __name__ == "__main__":
    unittest.main()
