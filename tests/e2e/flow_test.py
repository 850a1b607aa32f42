"""How items flow: order, fan-out, fan-in, batches, timeouts, retries, state, and the counts that prove it."""
import json
import threading
import unittest

from program import DEAD_LETTERS, INVALID, HeddleCase, lines, node, pipeline


class Order(HeddleCase):
    def slow(self, order, parallel=8):
        # The first items are the slowest, so that whoever does not keep order shows it.
        manifest = pipeline(node("s", "Spin", parallel=parallel, order=order), node("p", "PassThrough"))
        return self.run_manifest(manifest, self.items, "--threads", "4", "--plugin-dir", self.build_c_plugin("node_spin")).items

    items = [{"n": n, "key": n % 3, "work": 400_000 * (n % 4 == 0)} for n in range(60)]

    def test_strict_keeps_the_order_of_arrival(self):
        self.assertEqual(self.slow("strict"), self.items)

    def test_none_gives_everything_once(self):
        got = self.slow("none")
        self.assertEqual(sorted(i["n"] for i in got), list(range(60)))

    def test_by_key_keeps_the_order_of_each_key(self):
        got = self.slow({"by_key": "/key"})
        for key in range(3):
            self.assertEqual([i["n"] for i in got if i["key"] == key], [i["n"] for i in self.items if i["key"] == key])

    def test_strict_order_over_many_items_and_threads(self):
        items = list(range(20_000))
        manifest = pipeline(node("a", "PassThrough", parallel=8), node("b", "Add", {"addend": 0}, parallel=4, lane="query"), node("c", "PassThrough"))
        for threads in ("1", "2", "4"):
            self.assertEqual(self.run_manifest(manifest, items, "--threads", threads).items, items)


class Shape(HeddleCase):
    def test_fan_out_gives_every_successor_every_item(self):
        manifest = pipeline(node("a", "PassThrough"), node("x", "Add", {"addend": 1}), node("y", "Multiply", {"multiplier": 10}),
                            connections=[("a", "x"), ("a", "y")])
        self.assertEqual(self.run_manifest(manifest, [1, 2, 3]).by_node, {"x": [2, 3, 4], "y": [10, 20, 30]})

    def test_fan_in_by_arrival_loses_nothing(self):
        manifest = pipeline(node("a", "PassThrough"), node("x", "Add", {"addend": 1}), node("y", "Multiply", {"multiplier": 10}), node("z", "PassThrough"),
                            connections=[("a", "x"), ("a", "y"), ("x", "z"), ("y", "z")])
        self.assertEqual(sorted(self.run_manifest(manifest, [1, 2, 3]).items), [2, 3, 4, 10, 20, 30])

    def merged(self, merge, items, x=None, y=None):
        manifest = pipeline(node("a", "PassThrough"), x or node("x", "Add", {"addend": 100}), y or node("y", "Add", {"addend": 200}),
                            node("z", "PassThrough", merge={"mode": merge} if isinstance(merge, str) else merge), connections=[("a", "x"), ("a", "y"), ("x", "z"), ("y", "z")])
        return self.run_manifest(manifest, items).items

    def test_round_robin_takes_turns(self):
        self.assertEqual(self.merged("round_robin", [1, 2, 3]), [101, 201, 102, 202, 103, 203])

    def test_by_sequence_restores_the_order_of_the_input(self):
        self.assertEqual([i % 100 for i in self.merged("by_sequence", [1, 2, 3, 4])], [1, 1, 2, 2, 3, 3, 4, 4])

    def test_zip_makes_tuples(self):
        self.assertEqual(self.merged("zip", [1, 2]), [[101, 201], [102, 202]])

    def test_join_matches_by_key(self):
        got = self.merged({"mode": "join", "key": "/id"}, [{"id": 2}, {"id": 1}], node("x", "PassThrough"), node("y", "PassThrough"))
        self.assertEqual(sorted(json.dumps(i) for i in got), ['[{"id": 1}, {"id": 1}]', '[{"id": 2}, {"id": 2}]'])

    def test_batches_change_nothing_but_the_pace(self):
        manifest = pipeline(node("a", "PassThrough"), node("b", "Echo"), connections=[{"from": "a", "to": "b", "batch": {"items": 32, "linger_ms": 20}}])
        self.assertEqual([i["counter"] for i in self.run_manifest(manifest, range(100)).items], list(range(1, 101)))

    def test_a_small_queue_blocks_and_drops_nothing(self):
        manifest = pipeline(node("a", "PassThrough"), node("b", "PassThrough", lane="prompt"),
                            connections=[{"from": "a", "to": "b", "queue": {"items": 2, "bytes": 1000, "on_full": "block"}}])
        self.assertEqual(self.run_manifest(manifest, range(5000)).items, list(range(5000)))

    def test_a_drop_policy_counts_what_it_drops(self):
        manifest = pipeline(node("a", "PassThrough"), node("b", "Delay", {"delay_ms": 5}),
                            connections=[{"from": "a", "to": "b", "queue": {"items": 4, "on_full": "drop_newest"}}])
        answer = self.run_manifest(manifest, range(500))
        dropped = sum(e["dropped"] for e in answer.report["connections"])
        self.assertGreater(dropped, 0)
        self.assertEqual(len(answer.items) + dropped, 500)


class Trouble(HeddleCase):
    def test_an_endless_jq_program_costs_its_item_a_timeout(self):
        manifest = pipeline(node("j", "Jq", {"program": "if . == 2 then [limit(1; range(1; 1e18) | select(. < 0))] else . end"}, timeout_ms=300), node("p", "PassThrough"))
        answer = self.run_manifest(manifest, [1, 2, 3], "--dead-letters", self.path("dead"), code=DEAD_LETTERS)
        self.assertEqual(answer.items, [1, 3])
        letter = json.loads(self.read("dead"))
        self.assertEqual((letter["node"], letter["item"], letter["code"]), ("j", 2, "timeout"))
        self.assertEqual(next(n for n in answer.report["nodes"] if n["node"] == "j")["timed_out"], 1)

    def test_a_program_that_asks_for_more_input_is_told_that_there_is_none(self):
        answer = self.heddle("run", self.write("m.json", pipeline(node("j", "Jq", {"program": "input"}))), stdin=b"1\n", code=DEAD_LETTERS)
        self.assertIn("jq: there is no further input", answer.err)

    def test_programs_see_the_params_of_the_manifest_but_no_secret(self):
        manifest = pipeline(node("keep", "Filter", {"when": ".score >= $min_score"}), params={"min_score": {"type": "number", "default": 0.5}})
        items = [{"score": 0.4}, {"score": 0.6}]
        self.assertEqual(self.run_manifest(manifest, items).items, items[1:])
        self.assertEqual(self.run_manifest(manifest, items, "--param", "min_score=0.1").items, items)
        secret = pipeline(node("j", "Jq", {"program": "$token"}), params={"token": {"type": "secret", "from": "env:CANARY"}})
        answer = self.heddle("run", self.write("secret.json", secret), stdin=b"1\n", code=INVALID, env={"CANARY": "canary-4711"})
        self.assertIn("$token is not defined", answer.err)
        self.assertNotIn("canary", answer.err)

    def test_a_node_that_is_retried_says_so(self):
        again = {"attempt_timeout_ms": 20, "retry": {"max_attempts": 3, "initial_backoff_ms": 1, "jitter": "none"}}
        manifest = pipeline(node("d", "Delay", {"delay_ms": 10_000}, timeout_ms=60_000, policy="again"), policies={"again": again})
        answer = self.run_manifest(manifest, [1], "--dead-letters", self.path("dead"), code=DEAD_LETTERS)
        self.assertEqual([a["number"] for a in json.loads(self.read("dead"))["attempts"]], [1, 2, 3])
        self.assertEqual(answer.report["nodes"][0]["retried"], 2)
        self.assertEqual(answer.report["faults"], [], "an answer that comes after its time was owed")

    def test_the_timeout_of_a_node_covers_all_attempts(self):
        again = {"retry": {"max_attempts": 3, "initial_backoff_ms": 1, "jitter": "none"}}
        manifest = pipeline(node("d", "Delay", {"delay_ms": 10_000}, timeout_ms=20, policy="again"), policies={"again": again})
        answer = self.run_manifest(manifest, [1], "--dead-letters", self.path("dead"), code=DEAD_LETTERS)
        self.assertEqual([a["number"] for a in json.loads(self.read("dead"))["attempts"]], [1])
        self.assertEqual(answer.report["nodes"][0]["retried"], 0)

    def test_an_idempotent_node_is_tried_again_while_that_may_help(self):
        retry = {"max_attempts": 3, "initial_backoff_ms": 1, "max_backoff_ms": 5, "multiplier": 2.0, "jitter": "none", "budget_percent": 100}
        manifest = pipeline(node("f", "Flaky", policy="again"), policies={"again": {"retry": retry}})
        items = [{"n": n} for n in range(10)] + [{"n": 10, "good_at": 3}, {"n": 11, "good_at": 4}]
        answer = self.run_manifest(manifest, items, "--plugin-dir", self.build_c_plugin("node_flaky"), "--dead-letters", self.path("dead"), code=DEAD_LETTERS)
        self.assertEqual([i["n"] for i in answer.items], list(range(11)))
        letter = json.loads(self.read("dead"))
        self.assertEqual((letter["item"], letter["class"], [a["number"] for a in letter["attempts"]]), (items[11], "retryable", [1, 2, 3]))
        self.assertEqual(next(n for n in answer.report["nodes"] if n["node"] == "f")["retried"], 4)

    def test_the_retry_budget_is_a_share_of_the_calls(self):
        retry = {"max_attempts": 10, "initial_backoff_ms": 1, "max_backoff_ms": 1, "jitter": "none", "budget_percent": 50}
        manifest = pipeline(node("f", "Flaky", policy="again"), policies={"again": {"retry": retry}})
        items = [{"n": n} for n in range(20)] + [{"good_at": 100}] * 10
        answer = self.run_manifest(manifest, items, "--plugin-dir", self.build_c_plugin("node_flaky"), code=DEAD_LETTERS)
        self.assertEqual((len(answer.items), answer.report["dead_letters"]), (20, 10))
        self.assertLessEqual(answer.report["nodes"][0]["retried"], 15)

    def test_a_circuit_breaker_keeps_items_away_from_a_node_that_fails(self):
        breaker = {"failure_threshold": 2, "reset_timeout_ms": 3_600_000}
        manifest = pipeline(node("f", "Flaky", policy="careful"), policies={"careful": {"circuit_breaker": breaker}})
        items = [{"n": 1}] + [{"good_at": 100}] * 4 + [{"n": 2}]
        answer = self.run_manifest(manifest, items, "--plugin-dir", self.build_c_plugin("node_flaky"), "--dead-letters", self.path("dead"), code=DEAD_LETTERS)
        self.assertEqual(answer.items, [{"n": 1}])
        letters = [json.loads(line) for line in self.read("dead").splitlines()]
        self.assertEqual([letter["code"] == "breaker-open" for letter in letters], [False, False, True, True, True])
        self.assertEqual((letters[4]["item"], letters[4]["class"]), ({"n": 2}, "retryable"))
        self.assertIn('the circuit breaker of node "f" is open', letters[4]["message"])
        plan = self.heddle("plan", self.write("m.json", manifest), "--plugin-dir", self.build_c_plugin("node_flaky"))
        self.assertIn("circuit breaker: opens after 2 failures in a row, tries again after 3600000 ms, closes after 2 successes", plan.out)

    def test_a_wrong_item_is_not_the_nodes_fault(self):
        manifest = pipeline(node("m", "Multiply", {"multiplier": 2}, policy="careful"), policies={"careful": {"circuit_breaker": {"failure_threshold": 1}}})
        self.assertEqual(self.run_manifest(manifest, ["x", "y", 3], code=DEAD_LETTERS).items, [6])

    def test_hedging_needs_another_place(self):
        manifest = pipeline(node("m", "Multiply", {"multiplier": 2}, policy="twice"), policies={"twice": {"hedge": {"after": "p95"}}})
        answer = self.heddle("validate", self.write("m.json", manifest), code=INVALID)
        self.assertRegex(answer.err, r'"m" cannot be hedged.*"twice"')

    def test_a_permanent_failure_is_not_tried_again(self):
        retry = {"max_attempts": 5, "initial_backoff_ms": 1}
        manifest = pipeline(node("m", "Multiply", {"multiplier": 2}, policy="again"), policies={"again": {"retry": retry}})
        answer = self.run_manifest(manifest, ["x"], code=DEAD_LETTERS)
        self.assertEqual(answer.report["nodes"][0]["retried"], 0)

    def test_an_item_deadline_is_kept(self):
        manifest = pipeline(node("d", "Delay", {"delay_ms": 60_000}), run={"item_deadline_ms": 200})
        answer = self.run_manifest(manifest, [1], code=DEAD_LETTERS)
        self.assertEqual(answer.report["output_items"], 0)

    def test_state_is_kept_from_run_to_run_where_asked(self):
        kept = pipeline(node("a", "Aggregate", {"op": "count"}, state="keep"))
        fresh = pipeline(node("a", "Aggregate", {"op": "count"}))
        counts = [self.run_manifest(kept, [1, 2, 3], "--state-dir", self.path("state")).items[-1] for _ in range(2)]
        self.assertNotEqual(counts[0], counts[1])
        counts = [self.run_manifest(fresh, [1, 2, 3], "--state-dir", self.path("state2")).items[-1] for _ in range(2)]
        self.assertEqual(counts[0], counts[1])

    def test_a_standby_node_takes_no_part(self):
        manifest = pipeline(node("a", "PassThrough"), node("spare", "Echo", standby=True), connections=[])
        self.assertEqual(self.run_manifest(manifest, [1]).items, [1])

    def test_capabilities_that_this_host_lacks_are_named(self):
        manifest = pipeline(node("a", "PassThrough", capabilities={"memory_gb": 1_000_000}))
        answer = self.heddle("validate", self.write("m.json", manifest), code=INVALID)
        self.assertIn("memory_gb", answer.err)

    def test_runs_beside_each_other_do_not_disturb_each_other(self):
        path = self.write("m.json", pipeline(node("a", "PassThrough"), node("e", "Echo")))
        processes = [self.start("run", path, "--input", self.write(f"in{n}", lines(range(3000)))) for n in range(4)]
        answers = []
        threads = [threading.Thread(target=lambda p=p: answers.append(self.finish(p))) for p in processes]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual([a.items[-1]["counter"] for a in answers], [3000] * 4)


if __name__ == "__main__":
    unittest.main()
