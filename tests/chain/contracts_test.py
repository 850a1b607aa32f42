"""The contracts on anvil, block by block: leases, priorities, quorum, and that what is over stays over."""
import os
import shutil
import subprocess
import tempfile
import unittest

from chain import KEYS, TOOLS, Chain, RpcError, why_not
from contracts import NOTHING, Contract, Reverted, Subnet
from endpoint import Endpoint, be_dead, be_of_chain, lie_about_nonces, limit_logs, lose_answers, reject_sends, swallow_sends
from solidity import decode, encode

LEASE = 60


class Encoding(unittest.TestCase):
    def test_the_examples_of_solidity_s_specification_come_out(self):
        # docs.soliditylang.org, "Contract ABI Specification", the example f(uint256,uint32[],bytes10,bytes).
        types = ["uint256", "uint32[]", "bytes10", "bytes"]
        values = [0x123, [0x456, 0x789], "0x31323334353637383930", b"Hello, world!"]
        words = ["123".zfill(64), "80".zfill(64), "31323334353637383930".ljust(64, "0"), "e0".zfill(64), "2".zfill(64), "456".zfill(64), "789".zfill(64), "d".zfill(64),
                 b"Hello, world!".hex().ljust(64, "0")]
        self.assertEqual(encode(types, values).hex(), "".join(words))
        self.assertEqual(decode(types, encode(types, values)), values)

    def test_nested_values_come_back(self):
        types = ["(string,(bool,int8)[2])[]", "address", "string[]"]
        values = [[["a", [[True, -1], [False, 127]]], ["", [[False, 0], [True, -128]]]], "0x" + "ab" * 20, ["x" * 33, ""]]
        self.assertEqual(decode(types, encode(types, values)), values)


@unittest.skipIf(why_not(), why_not())
class Contracts(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="heddle-chain-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.chain = Chain.anvil(cls.folder, block_time=None)
        cls.addClassCleanup(cls.chain.leave)
        cls.subnet = Subnet(cls.chain, lease_seconds=LEASE)
        cls.queue = cls.subnet.queue
        cls.workers = cls.subnet.workers[:5]
        cls.subnet.activate(*cls.workers)
        cls.idle = cls.subnet.workers[5]

    def setUp(self):
        self.name = self.id()  # a queue for each test
        self.first, self.second, self.third = self.workers[:3]

    def enqueue(self, input=b"", **more):
        return self.subnet.enqueue(self.name, input, **more)

    def refused(self, error, function, *args, sender=None):
        with self.assertRaises(Reverted) as found:
            self.queue.send(function, *args, sender=sender or self.first)
        self.assertEqual(found.exception.name, error, found.exception)
        return found.exception.args_of_it

    def offered(self, worker=None):
        activity = self.subnet.poll(self.name, sender=worker or self.first)
        return activity and activity["activityId"]

    def ends_of(self, id):
        return [event["event"] for event in self.queue.events("ActivityCompleted", "ActivityFailed") if event["activityId"] == id]

    def test_the_functions_are_those_of_the_field(self):
        known = {"pollActivity(string,uint16)": "0x490d753e", "claimActivity(bytes32)": "0xd2d2d8a0", "isWorkerActive(address)": "0xc5689dbf", "getProtocolVersion()": "0x33ce93fe"}
        there = {**self.queue.face["functions"], **self.subnet.control_plane.face["functions"]}
        self.assertEqual({signature: there.get(signature) for signature in known}, known)
        members = next(e for e in self.queue.face["abi"] if e.get("name") == "pollActivity")["outputs"][0]["components"]
        self.assertEqual([m["type"] for m in members], ["bytes32", "bytes32", "address", "bytes", "bytes", "bytes", "uint256", "uint256", "address", "address", "uint256", "uint256", "uint8",
                                                        "bool", "bool", "bool"])

    def test_an_activity_is_offered_claimed_and_completed(self):
        self.assertIsNone(self.subnet.poll(self.name))
        id = self.enqueue(b"input")
        offered = self.subnet.poll(self.name)
        self.assertEqual((offered["activityId"], offered["inputData"], offered["isAssigned"]), (id, b"input", False))
        self.assertTrue(self.queue.call("claimActivity", id, sender=self.first))
        self.queue.send("claimActivity", id, sender=self.first)
        self.assertIsNone(self.offered())
        self.assertEqual(self.queue.call("getWorkerActivities", self.first), [id])
        self.queue.send("heartbeatActivity", id, 40, sender=self.first)
        self.assertEqual(self.subnet.activity(id)["progress"], 40)
        self.queue.send("completeActivity", id, b"result", sender=self.first)
        over = self.subnet.activity(id)
        self.assertEqual((over["resultData"], over["isCompleted"], over["success"], over["assignedWorker"]), (b"result", True, True, self.first.lower()))
        self.assertEqual(self.queue.call("getWorkerActivities", self.first), [])
        self.assertEqual([e["event"] for e in self.queue.events() if e["activityId"] == id], ["ActivityEnqueued", "ActivityClaimed", "ActivityHeartbeat", "ActivityCompleted"])

    def test_what_is_over_is_not_completed_failed_or_claimed_again(self):
        for ending, argument in (("completeActivity", b"r"), ("failActivity", "broken")):
            id = self.enqueue()
            self.queue.send("claimActivity", id, sender=self.first)
            self.queue.send(ending, id, argument, sender=self.first)
            for function, more in (("completeActivity", [b"r"]), ("failActivity", ["no"]), ("heartbeatActivity", [1]), ("claimActivity", [])):
                for worker in (self.first, self.second):
                    self.assertEqual(self.refused("AlreadyCompleted", function, id, *more, sender=worker), [id])
            self.assertEqual(len(self.ends_of(id)), 1)

    def test_two_completions_in_one_block_count_once(self):
        id = self.enqueue()
        self.queue.send("claimActivity", id, sender=self.first)
        posted = [self.queue.post("completeActivity", id, result, sender=self.first) for result in (b"a", b"b")]
        self.chain.mine()
        self.assertEqual(sorted(self.chain.receipt(hash)["status"] for hash in posted), ["0x0", "0x1"])
        self.assertEqual(self.ends_of(id), ["ActivityCompleted"])

    def test_only_who_holds_it_says_anything_of_it(self):
        id = self.enqueue()
        self.assertEqual(self.refused("NotYours", "completeActivity", id, b""), [id, "0x" + "00" * 20])
        self.queue.send("claimActivity", id, sender=self.first)
        for function, more in (("completeActivity", [b""]), ("failActivity", [""]), ("heartbeatActivity", [1])):
            self.assertEqual(self.refused("NotYours", function, id, *more, sender=self.second), [id, self.first.lower()])
        self.assertEqual(self.refused("AlreadyClaimed", "claimActivity", id, sender=self.second), [id, self.first.lower()])
        self.assertEqual(self.refused("BadProgress", "heartbeatActivity", id, 101), [101])

    def test_what_is_not_there_is_refused_by_name(self):
        unknown = "0x" + "11" * 32
        for function, more in (("claimActivity", []), ("completeActivity", [b""]), ("failActivity", [""]), ("heartbeatActivity", [1])):
            self.assertEqual(self.refused("NoSuchActivity", function, unknown, *more), [unknown])

    def test_only_active_workers_claim(self):
        id = self.enqueue()
        self.assertEqual(self.refused("NotActive", "claimActivity", id, sender=self.idle), [self.idle.lower()])
        plane = self.subnet.control_plane
        self.assertFalse(plane.call("isWorkerActive", self.idle))
        plane.send("activateWorker", self.idle)
        self.queue.send("claimActivity", id, sender=self.idle)
        plane.send("deactivateWorker", self.idle)
        self.queue.send("completeActivity", id, b"", sender=self.idle)  # what it has it may bring to its end
        with self.assertRaises(Reverted) as found:
            plane.send("activateWorker", self.idle, sender=self.first)
        self.assertEqual(found.exception.name, "NotOwner")
        self.assertEqual(plane.call("getProtocolVersion"), "1.0.0")

    def test_after_the_lease_another_may_have_it(self):
        id = self.enqueue()
        self.queue.send("claimActivity", id, sender=self.first)
        self.chain.pass_time(LEASE - 10)
        self.assertIsNone(self.offered(self.second))
        self.chain.pass_time(20)
        self.assertEqual(self.offered(self.second), id)
        for function, more in (("completeActivity", [b""]), ("failActivity", [""]), ("heartbeatActivity", [1])):
            self.assertEqual(self.refused("LeaseEnded", function, id, *more)[0], id)
        self.queue.send("claimActivity", id, sender=self.second)
        self.assertEqual(self.queue.call("getWorkerActivities", self.first), [])
        self.refused("NotYours", "completeActivity", id, b"late")
        self.queue.send("completeActivity", id, b"in time", sender=self.second)
        self.assertEqual(self.subnet.activity(id)["resultData"], b"in time")

    def test_a_heartbeat_renews_the_lease(self):
        beaten, silent = self.enqueue(), self.enqueue()
        for id in (beaten, silent):
            self.queue.send("claimActivity", id, sender=self.first)
        self.chain.pass_time(LEASE - 10)
        self.queue.send("heartbeatActivity", beaten, 50, sender=self.first)
        self.chain.pass_time(20)
        self.assertEqual(self.offered(self.second), silent)
        self.queue.send("claimActivity", silent, sender=self.second)
        self.assertIsNone(self.offered(self.third))
        self.queue.send("completeActivity", beaten, b"", sender=self.first)

    def test_the_highest_priority_comes_first_then_the_oldest(self):
        ids = [self.enqueue(priority=p) for p in (0, 3, 9, 3, 0)]
        order = []
        while offered := self.offered():
            order.append(ids.index(offered))
            self.queue.send("claimActivity", offered, sender=self.first)
        self.assertEqual(order, [2, 1, 3, 0, 4])
        self.assertEqual([self.queue.call("getPriority", id) for id in ids], [0, 3, 9, 3, 0])

    def test_queues_and_partitions_are_apart(self):
        id = self.enqueue(partition=7)
        self.assertIsNone(self.subnet.poll(self.name))
        self.assertIsNone(self.subnet.poll(self.name + "x", 7))
        self.assertEqual(self.subnet.poll(self.name, 7)["activityId"], id)

    def test_a_quorum_needs_equal_results_of_different_workers(self):
        id = self.enqueue(quorum=2)
        for worker, result in ((self.first, b"right"), (self.second, b"wrong")):
            self.assertEqual(self.offered(worker), id)
            self.queue.send("claimActivity", id, sender=worker)
            self.queue.send("completeActivity", id, result, sender=worker)
            self.assertFalse(self.subnet.activity(id)["isCompleted"])
        self.assertIsNone(self.offered(self.first))  # it has voted
        self.assertEqual(self.refused("AlreadyVoted", "claimActivity", id), [id, self.first.lower()])
        self.assertEqual(self.queue.call("getQuorum", id), [2, 2])
        self.queue.send("claimActivity", id, sender=self.third)
        self.queue.send("completeActivity", id, b"right", sender=self.third)
        self.assertEqual((self.subnet.activity(id)["resultData"], self.ends_of(id)), (b"right", ["ActivityCompleted"]))

    def test_workers_that_do_not_agree_fail_it(self):
        id = self.enqueue(quorum=2)
        for worker, result in zip(self.workers, (b"a", b"b", b"c")):
            self.queue.send("claimActivity", id, sender=worker)
            self.queue.send("completeActivity", id, result, sender=worker)
        over = self.subnet.activity(id)
        self.assertEqual((over["isCompleted"], over["success"], self.ends_of(id)), (True, False, ["ActivityFailed"]))

    def test_failures_are_counted_as_results_are(self):
        id = self.enqueue(quorum=2)
        for worker in (self.first, self.second):
            self.queue.send("claimActivity", id, sender=worker)
            self.queue.send("failActivity", id, "cannot", sender=worker)
        self.assertEqual(self.ends_of(id), ["ActivityFailed"])

    def test_what_has_expired_is_offered_to_nobody_and_cleared_away(self):
        now = int(self.chain.block()["timestamp"], 16)
        early, claimed = self.enqueue(expires_at=now + 30), self.enqueue(expires_at=now + 30)
        self.queue.send("claimActivity", claimed, sender=self.first)
        self.chain.pass_time(40)  # the lease would last longer
        self.assertIsNone(self.offered(self.second))
        self.assertEqual(self.refused("Expired", "claimActivity", early)[0], early)
        self.refused("LeaseEnded", "completeActivity", claimed, b"")
        self.enqueue()
        self.assertEqual((self.ends_of(early), self.ends_of(claimed)), (["ActivityFailed"], ["ActivityFailed"]))

    def test_bad_terms_are_refused(self):
        for error, priority, quorum in (("BadPriority", 10, 1), ("BadQuorum", 0, 0), ("BadQuorum", 0, 101)):
            self.refused(error, "enqueue", self.name, 0, NOTHING, self.first, b"", 0, priority, quorum)

    def test_polling_costs_the_same_with_many_in_the_queue(self):
        poll = {"to": self.queue.address, "data": self.queue.data("pollActivity", self.name, 0)}
        self.enqueue()
        few = int(self.chain.rpc("eth_estimateGas", poll), 16)
        self.subnet.enqueue_many(self.name, [b""] * 200)
        self.assertLess(int(self.chain.rpc("eth_estimateGas", poll), 16), few * 1.1)

    def test_a_workflow_passes_results_on(self):
        engine = self.subnet.workflows
        receipt = engine.send("startWorkflow", self.name, 0, [self.first, self.second], b"0")
        id = engine.events("WorkflowStarted", receipt=receipt)[0]["workflowInstanceId"]
        for step, (kind, input, result) in enumerate(((self.first, b"0", b"1"), (self.second, b"1", b"2"))):
            activity = self.subnet.poll(self.name)
            self.assertEqual((activity["workflowInstanceId"], activity["activityType"], activity["inputData"]), (id, kind.lower(), input))
            with self.assertRaises(Reverted) as found:
                engine.send("resumeWorkflow", id)
            self.assertEqual(found.exception.name, "StillRunning")
            self.queue.send("claimActivity", activity["activityId"], sender=self.third)
            self.queue.send("completeActivity", activity["activityId"], result, sender=self.third)
            self.assertEqual(engine.call("getWorkflow", id)["at"], step)
            engine.send("resumeWorkflow", id)
        self.assertEqual(engine.events("WorkflowCompleted")[-1]["resultData"], b"2")
        with self.assertRaises(Reverted) as found:
            engine.send("resumeWorkflow", id)
        self.assertEqual(found.exception.name, "WorkflowOver")


@unittest.skipIf(why_not(), why_not())
class Chains(unittest.TestCase):
    """What other tests have a chain do."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="heddle-chain-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def chain(self, make, *args, **more):
        chain = make(self.folder, *args, **more)
        self.addCleanup(chain.leave)
        return chain

    def pay(self, chain, wei=1):
        first, second = chain.accounts()[:2]
        return chain.send({"from": first, "to": second, "value": hex(wei), "gas": hex(21000)})

    def test_both_makes_mine_by_themselves(self):
        for make in (Chain.anvil, Chain.hardhat):
            with self.subTest(make.__name__):
                chain = self.chain(make)
                self.assertEqual(int(chain.rpc("eth_chainId"), 16), 31337)
                self.assertEqual(chain.wait_for_receipt(self.pay(chain))["status"], "0x1")

    def test_both_makes_refuse_by_the_error_of_the_contract(self):
        for make in (Chain.anvil, Chain.hardhat):
            with self.subTest(make.__name__):
                plane = Contract.deploy(self.chain(make), "SubnetControlPlane", "2.0.0", sender="0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266")
                with self.assertRaises(Reverted) as found:
                    plane.send("activateWorker", plane.address, sender="0x70997970c51812dc3a010c7d01b50e0d17dc79c8")
                self.assertEqual((found.exception.name, found.exception.args_of_it), ("NotOwner", ["0x70997970c51812dc3a010c7d01b50e0d17dc79c8"]))

    def test_a_stopped_chain_goes_on_where_it_was(self):
        chain = self.chain(Chain.anvil, state=os.path.join(self.folder, "state.json"))
        hash, port = self.pay(chain, 7), chain.port
        block = chain.wait_for_receipt(hash)["blockHash"]
        chain.stop()
        chain.start()
        self.assertEqual((chain.receipt(hash)["blockHash"], chain.port), (block, port))

    def test_a_killed_chain_has_forgotten(self):
        chain = self.chain(Chain.anvil)
        hash = self.pay(chain)
        chain.wait_for_receipt(hash)
        chain.kill()
        chain.start()
        self.assertIsNone(chain.receipt(hash))

    def test_a_reorg_takes_blocks_away(self):
        chain = self.chain(Chain.anvil, block_time=None)
        chain.mine(5)
        hash = self.pay(chain)
        chain.mine(2)
        block = chain.receipt(hash)["blockHash"]
        head = chain.block_number()
        chain.reorg(3)
        self.assertEqual(chain.block_number(), head)
        self.assertNotEqual(chain.block(head - 1)["hash"], block)
        again = chain.receipt(hash)
        self.assertTrue(again is None or again["blockHash"] != block)

    def test_base_fee_and_balance_are_as_a_test_wants_them(self):
        chain = self.chain(Chain.anvil, block_time=None)
        chain.set_base_fee(chain.base_fee() * 10)
        chain.mine()
        self.assertEqual(chain.base_fee(), 10_000_000_000)
        chain.set_balance(chain.accounts()[3], 5)
        self.assertEqual(chain.balance(chain.accounts()[3]), 5)

    def test_an_endpoint_does_as_its_rule_says(self):
        chain = self.chain(Chain.anvil, block_time=None)
        endpoint = Endpoint(chain.url)
        self.addCleanup(endpoint.leave)
        account = chain.accounts()[0]
        chain.send({"from": account, "to": account, "gas": hex(21000)})
        chain.mine()
        through = Through(endpoint.url)
        self.assertEqual(through.nonce(account), 1)
        endpoint.rule = lie_about_nonces(-5)
        self.assertEqual(through.nonce(account), 0)
        endpoint.rule = lie_about_nonces(3, "pending")
        self.assertEqual((through.nonce(account), through.nonce(account, "pending")), (1, 4))
        endpoint.rule = be_of_chain(5)
        self.assertEqual(through.rpc("eth_chainId"), "0x5")
        endpoint.rule = limit_logs(10)
        self.assertEqual(through.rpc("eth_getLogs", {"fromBlock": "0x0", "toBlock": "0x1"}), [])
        for rule, error in ((limit_logs(1), RpcError), (be_dead, OSError)):
            endpoint.rule = rule
            with self.assertRaises(error):
                through.rpc("eth_getLogs", {"fromBlock": "0x0", "toBlock": "0x1"})
        self.assertEqual(endpoint.calls["eth_getTransactionCount"], 4)

    def test_an_endpoint_refuses_loses_and_forgets_transactions(self):
        chain = self.chain(Chain.anvil, block_time=None)
        endpoint = Endpoint(chain.url)
        self.addCleanup(endpoint.leave)
        through = Through(endpoint.url)
        raw = self.signed(chain)
        endpoint.rule = reject_sends(1)
        with self.assertRaisesRegex(RpcError, "busy"):
            through.rpc("eth_sendRawTransaction", raw)
        endpoint.rule = swallow_sends(1)
        self.assertEqual(len(through.rpc("eth_sendRawTransaction", raw)), 66)
        self.assertEqual(chain.rpc("txpool_status")["pending"], "0x0")
        endpoint.rule = lose_answers(1)
        with self.assertRaises(OSError):
            through.rpc("eth_sendRawTransaction", raw)
        self.assertEqual(chain.rpc("txpool_status")["pending"], "0x1")

    def signed(self, chain):
        """A transfer of the first account, with the number 0."""
        code = ('const [modules, key, to] = process.argv.slice(1); const { Wallet } = require("node:module").createRequire(modules + "/")("ethers");'
                'new Wallet(key).signTransaction({ to, value: 1, nonce: 0, gasLimit: 21000, maxFeePerGas: 10n ** 11n, maxPriorityFeePerGas: 10n ** 9n, chainId: 31337, type: 2 }).then(console.log)')
        return subprocess.run(["node", "-e", code, TOOLS, KEYS[0], chain.accounts()[1]], capture_output=True, text=True, check=True).stdout.strip()


class Through(Chain):
    """A chain as it looks through an endpoint."""

    def __init__(self, url):
        self.url, self.ids = url, iter(range(1, 1 << 30))


if __name__ == "__main__":
    unittest.main()
