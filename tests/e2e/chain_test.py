"""The nodes of a chain, over chain_evm, on a chain: what they send, read and follow, and what becomes of that when the chain or the host fails."""
import json
import os
import random
import signal
import subprocess
import sys
import time
import unittest

from program import DEAD_LETTERS, FAILED, OK, SANITIZED, SOURCE, HeddleCase, lines, node, pipeline

sys.path.insert(0, os.path.join(SOURCE, "tests", "chain"))
from chain import KEYS, Chain, why_not  # noqa: E402
from contracts import NOBODY, NOTHING, Subnet  # noqa: E402
from endpoint import Endpoint, be_dead, be_of_chain, lie_about_nonces, lose_answers, reject_sends, swallow_sends  # noqa: E402

ENQUEUE = "function enqueue(string,uint16,bytes32,address,bytes,uint256,uint8,uint8) returns (bytes32)"
WORKER = "0x70997970c51812dc3a010c7d01b50e0d17dc79c8"  # the chain's second account


@unittest.skipIf(why_not(), why_not())
class ChainCase(HeddleCase):
    def chain_of(self, *options, **more):
        chain = Chain.anvil(self.folder, *options, **more)
        self.addCleanup(chain.leave)
        return chain

    def subnet(self, **more):
        self.chain = self.chain_of(**more)
        self.net = Subnet(self.chain)
        self.net.activate(WORKER)
        return self.net

    def key_file(self, key=KEYS[1], mode=0o600):
        path = self.write("account.key", key + "\n")
        os.chmod(path, mode)
        return path

    def endpoint(self, rule):
        endpoint = Endpoint(self.chain.url, rule)
        self.addCleanup(endpoint.leave)
        return endpoint

    def params(self, *endpoints, **more):
        """Of the chain, for the account of the worker."""
        return {"endpoints": list(endpoints) or [self.chain.url], "chain_id": 31337, "key": {"file": self.key_file()}, "contracts": self.net.addresses, "poll_ms": 20, "confirmations": 1, **more}

    def submit(self, function, args, chain_params=None, to=None, **params):
        return pipeline(node("do", "ChainSubmit", {"chain_params": chain_params or self.params(), "to": to or self.net.queue.address, "function": function, "args": args, **params},
                             idempotency_key="/key"))

    def enqueueing(self, chain_params=None, **params):
        """Each item is an activity, with its key as the input: how often it is there, the chain can say."""
        return self.submit(ENQUEUE, ["q", 0, NOTHING, NOBODY, {"$": "/input"}, 0, 0, 1], chain_params, **params)

    @staticmethod
    def items(count):
        return [{"key": f"order-{n}", "input": "0x" + f"order-{n}".encode().hex()} for n in range(count)]

    def inputs(self):
        """Of the activities that are there, one for each transaction: where anvil undoes blocks while it makes one, it may have the same transaction in two, which no chain has."""
        activities = {event["transaction"]: event["activityId"] for event in self.net.queue.events("ActivityEnqueued")}
        return [self.net.activity(id)["inputData"].decode() for id in activities.values()]

    def letters(self, answer):
        with open(answer.report["dead_letter_file"], encoding="utf-8") as file:
            return [json.loads(line) for line in file]


class WhatIsSent(ChainCase):
    def test_an_item_is_a_transaction(self):
        self.subnet()
        answer = self.run_manifest(self.enqueueing(), self.items(3))
        self.assertEqual([one["key"] for one in answer.items], ["order-0", "order-1", "order-2"])
        self.assertEqual({one["stage"] for one in answer.items}, {"final"})
        self.assertEqual(sorted(one["number"] for one in answer.items), [0, 1, 2])
        for one in answer.items:
            self.assertEqual(self.chain.receipt(one["transaction"])["from"], WORKER)
        self.assertEqual(sorted(self.inputs()), ["order-0", "order-1", "order-2"])

    def test_the_same_key_is_the_same_transaction_in_every_run(self):
        self.subnet()
        first = self.run_manifest(self.enqueueing(), self.items(2)).items
        again = self.run_manifest(self.enqueueing(), self.items(3) + self.items(1)).items
        self.assertEqual([one["transaction"] for one in again[:2] + again[3:]], [one["transaction"] for one in first + first[:1]])
        self.assertEqual(sorted(self.inputs()), ["order-0", "order-1", "order-2"])

    def test_what_would_revert_is_refused_with_the_error_of_the_contract(self):
        self.subnet()
        unknown = "0x" + "11" * 32
        answer = self.run_manifest(self.submit("claimActivity", [{"$": "/activity"}]), [{"key": "k", "activity": unknown}], code=DEAD_LETTERS)
        [letter] = self.letters(answer)
        self.assertEqual(letter["code"], "ChainRefused")
        self.assertIn("NoSuchActivity", letter["message"])
        self.assertEqual(self.chain.nonce(WORKER), 0)

    def test_an_item_goes_on_when_it_is_told(self):
        self.subnet()
        for until in ("stored", "included", "final"):
            [one] = self.run_manifest(self.enqueueing(until=until, with_item=True), [{"key": until, "input": "0x"}]).items
            self.assertEqual(one["item"]["key"], until)
            stages = ["stored", "sent", "included", "final"]
            self.assertGreaterEqual(stages.index(one["transaction"]["stage"]), stages.index(until))
        self.chain.wait_for(lambda: len(self.inputs()) == 3, "all three")


class WhatIsRead(ChainCase):
    def test_a_function_gives_what_the_contract_says(self):
        self.subnet()
        manifest = pipeline(node("ask", "ChainCall", {"chain_params": self.params(), "to": self.net.control_plane.address, "function": "isWorkerActive", "args": [{"$": ""}]}))
        self.assertEqual(self.run_manifest(manifest, [WORKER, NOBODY]).items, [True, False])


class WhatHappens(ChainCase):
    def following(self, **params):
        return pipeline(node("see", "ChainEvents", {"chain_params": self.params(**params.pop("chain", {})), "from": 0, "follow": False, **params}, state="keep"))

    def run_source(self, manifest):
        return self.heddle("run", self.write("events.json", manifest), "--state-dir", self.path("state")).items

    def test_events_come_in_order_and_the_next_run_goes_on_behind_them(self):
        self.subnet()
        first = self.net.enqueue_many("q", [b""] * 3)
        seen = self.run_source(self.following(events=["ActivityEnqueued"]))
        self.assertEqual([event["args"]["activityId"] for event in seen], first)
        self.assertEqual(self.run_source(self.following(events=["ActivityEnqueued"])), [])
        more = [self.net.enqueue("q", b"")]
        self.assertEqual([event["args"]["activityId"] for event in self.run_source(self.following(events=["ActivityEnqueued"]))], more)

    def test_what_a_reorganisation_takes_away_is_told(self):
        self.subnet(block_time=None)
        self.chain.mine(3)
        self.net.enqueue("q", b"")
        [event] = self.run_source(self.following(events=["ActivityEnqueued"], chain={"confirmations": 12}))
        self.chain.reorg(2)
        told = self.run_source(self.following(events=["ActivityEnqueued"], chain={"confirmations": 12}))
        self.assertEqual([(one["event"], one["block_hash"]) for one in told[:1]], [("removed", event["block_hash"])], told)

    def test_a_follower_sees_what_happens_meanwhile(self):
        self.subnet()
        manifest = self.following(events=["ActivityEnqueued"], follow=True)
        run = self.start("run", self.write("events.json", manifest))
        before = self.net.enqueue("q", b"1")
        seen = [json.loads(run.stdout.readline())["args"]["activityId"]]
        after = self.net.enqueue("q", b"2")
        seen.append(json.loads(run.stdout.readline())["args"]["activityId"])
        self.assertEqual(seen, [before, after])
        run.send_signal(signal.SIGTERM)
        self.finish(run)


class WhenItFails(ChainCase):
    def start_run(self, manifest, items):
        with open(self.write("items.jsonl", lines(items)), "rb") as stdin:
            return self.start("run", self.write("manifest.json", manifest), "--input", "-", stdin=stdin)

    def wait_for_sent(self, run, count):
        """Until so many transactions are in blocks, or the run is over."""
        self.chain.wait_for(lambda: self.chain.nonce(WORKER) >= count or run.poll() is not None, f"transaction {count}")

    def assert_all_once(self, items):
        self.assertEqual(sorted(self.inputs()), sorted(item["key"] for item in items))
        self.assertEqual(self.chain.nonce(WORKER), self.chain.nonce(WORKER, "pending"))

    def during(self, items, happens, at, **chain):
        """What comes out of a run in which something happens when so many transactions are in blocks."""
        run = self.start_run(self.enqueueing(self.params(bump_after_ms=500, rebroadcast_ms=500, **chain)), items)
        self.wait_for_sent(run, at)
        happens()
        answer = self.finish(run)
        self.assertEqual(answer.code, OK, answer)
        self.assertEqual(len(answer.items), len(items))
        self.assert_all_once(items)

    def test_a_host_that_is_killed_again_and_again_sends_everything_once(self):
        self.subnet()
        items = self.items(60)
        for sent in (0, 1, 15, 30, 45):
            run = self.start_run(self.enqueueing(), items)
            self.wait_for_sent(run, sent)
            run.kill()
            run.wait()
        self.assertEqual(len(self.run_manifest(self.enqueueing(), items).items), 60)
        self.assert_all_once(items)

    def through(self, rule, count=100, **chain):
        """A run whose endpoint does as the rule says."""
        self.subnet()
        items = self.items(count)
        answer = self.run_manifest(self.enqueueing(self.params(self.endpoint(rule).url, bump_after_ms=1000, rebroadcast_ms=500, **chain)), items)
        self.assertEqual(len(answer.items), count)
        return items

    def test_sends_that_are_refused_are_sent_again(self):
        self.assert_all_once(self.through(reject_sends(20)))

    def test_sends_that_nobody_hears_of_again_are_not_doubled(self):
        self.assert_all_once(self.through(lose_answers(20)))

    def test_sends_that_are_forgotten_are_sent_again(self):
        self.assert_all_once(self.through(swallow_sends(20)))

    def test_an_endpoint_that_sees_transactions_that_are_not_there_leaves_no_gap(self):
        self.through(lie_about_nonces(3, "pending"), count=10)
        self.assertEqual(sorted(self.inputs()), sorted(item["key"] for item in self.items(10)))

    def test_a_reorganisation_loses_nothing(self):
        for depth in (3, 10):
            with self.subTest(depth):
                self.subnet()
                self.chain.wait_for_blocks(depth)  # the contracts are to stay
                items = [{**item, "key": f"{depth}-{item['key']}", "input": "0x" + f"{depth}-{item['key']}".encode().hex()} for item in self.items(60)]
                self.during(items, lambda d=depth: self.chain.reorg(d), 20, confirmations=12)

    def test_a_base_fee_that_is_ten_times_as_high_is_paid(self):
        self.subnet()
        self.during(self.items(60), lambda: self.chain.set_base_fee(self.chain.base_fee() * 10), 20)

    def test_a_chain_that_answers_nothing_for_a_while_is_waited_for(self):
        self.subnet()

        def freeze():
            self.chain.freeze()
            time.sleep(3)  # longer than the host waits for an answer
            self.chain.thaw()
        self.during(self.items(60), freeze, 20, answer_ms=1000)

    def test_a_chain_that_mines_by_itself_and_forgets_to_is_brought_to_it(self):
        """Each transaction gets its block at once, but for those that anvil leaves in its pool until another one comes."""
        self.subnet(block_time="auto")
        items = self.items(300)
        answer = self.run_manifest(self.enqueueing(self.params(confirmations=0, bump_after_ms=500, rebroadcast_ms=500)), items)
        self.assertEqual(len(answer.items), len(items))
        self.assert_all_once(items)

    def test_who_cannot_pay_is_told_what_it_needs(self):
        self.subnet()
        self.chain.set_balance(WORKER, 1000)
        self.chain.wait_for_blocks(2)
        [letter] = self.letters(self.run_manifest(self.enqueueing(), self.items(1), code=DEAD_LETTERS))
        self.assertEqual(letter["code"], "ChainBalance")
        self.assertEqual(self.inputs(), [])

    def test_one_of_two_endpoints_may_be_dead(self):
        self.subnet()
        answer = self.run_manifest(self.enqueueing(self.params(self.endpoint(be_dead).url, self.chain.url)), self.items(20))
        self.assertEqual(len(answer.items), 20)
        self.assertEqual(len(self.inputs()), 20)

    def test_a_chain_that_is_not_there_or_another_one_is_named(self):
        self.subnet()
        for endpoints, params, word in (([self.endpoint(be_dead).url], {}, ""), ([self.endpoint(be_of_chain(5)).url], {}, "31337")):
            answer = self.heddle("run", self.write("m.json", self.enqueueing(self.params(*endpoints, **params))), code=FAILED)
            self.assertIn(word, answer.err)

    def test_a_key_that_others_can_read_is_refused_and_no_key_is_ever_shown(self):
        self.subnet()
        params = self.params()
        os.chmod(params["key"]["file"], 0o644)
        answer = self.heddle("run", self.write("m.json", self.enqueueing(params)), code=FAILED)
        self.assertIn("644", answer.err)
        os.chmod(params["key"]["file"], 0o600)
        answers = [answer, self.run_manifest(self.enqueueing(params), self.items(1), "-v")]
        for one in answers:
            self.assertNotIn(KEYS[1][2:], one.err + one.out)
        for folder, _, names in os.walk(self.folder):
            for name in names:
                path = os.path.join(folder, name)
                if path != params["key"]["file"] and os.path.isfile(path):
                    with open(path, "rb") as file:
                        self.assertNotIn(bytes.fromhex(KEYS[1][2:]), content := file.read(), path)
                        self.assertNotIn(KEYS[1][2:].encode(), content, path)

    COUNT = 100 if SANITIZED else 400

    def test_with_everything_failing_at_once_nothing_is_lost_or_doubled(self):
        """One send in twenty is refused, one of two endpoints is dead, the host is killed every 200 ms, and meanwhile the chain stands still, loses its last three blocks, and becomes ten times as dear."""
        count = int(os.environ.get("HEDDLE_TEST_TRANSACTIONS", self.COUNT))
        self.subnet()
        self.chain.wait_for_blocks(3)  # the contracts are to stay
        chance, items = random.Random(20261122), self.items(count)
        manifest = self.enqueueing(self.params(self.endpoint(be_dead).url, self.endpoint(reject_sends(20)).url, bump_after_ms=1000, rebroadcast_ms=500, confirmations=12))

        def stand_still():
            self.chain.freeze()
            time.sleep(3)
            self.chain.thaw()
        happen = [(count // 6, stand_still), (count // 3, lambda: self.chain.reorg(3)), (count // 2, lambda: self.chain.set_base_fee(self.chain.base_fee() * 10)), (2 * count // 3, lambda: self.chain.reorg(3))]
        life, kills, mined = 0.2, 0, 0
        while mined < count and kills < 1000:
            chance.shuffle(items)  # each life begins elsewhere
            run = self.start_run(manifest, items)
            try:
                run.wait(life)
            except subprocess.TimeoutExpired:
                run.kill()
                run.wait()
            kills += 1
            before, mined = mined, self.chain.nonce(WORKER)
            if mined == before:
                life *= 1.1  # too short to get anywhere on a slow machine
            while happen and mined >= happen[0][0]:  # one life may get far
                happen.pop(0)[1]()
        self.assertEqual(happen, [])
        answer = self.run_manifest(manifest, items)
        self.assertEqual(len(answer.items), count)
        self.assert_all_once(items)
        print(f"{count} transactions, killed {kills} times, at last after {life:.2f} s", file=sys.stderr)


if __name__ == "__main__":
    unittest.main()
