"""RemotePipeline between real hosts: pipelines of one host that run on others, and what happens when those fail or go."""
import json
import os
import re
import signal
import socket
import subprocess
import threading
import unittest

from program import DEAD_LETTERS, FAILED, INVALID, OK, TIMEOUT, HeddleCase, lines, node, pipeline

SECRET = "a-token-that-nobody-may-see"
# How each host's pipelines are known to it.
SERVED = {
    "double": pipeline(node("m", "Multiply", {"multiplier": 2})),
    "parts": pipeline(node("s", "Split")),
    "none": pipeline(node("f", "Sample", {"every": 1000000})),
    "slow": pipeline(node("told", "Log", {"message": "it is in there"}), node("d", "Delay", {"delay_ms": 300})),
    "never": pipeline(node("told", "Log", {"message": "it is in there"}), node("d", "Delay", {"delay_ms": 3_600_000})),
}


class Host:
    """A running `heddle serve` of its own."""

    def __init__(self, case, name, pipelines, env=None, **config):
        folder = case.path(name)
        os.makedirs(os.path.join(folder, "pipelines"))
        for pipeline_name, manifest in pipelines.items():
            case.write(f"{name}/pipelines/{pipeline_name}.json", manifest)
        config = {"listen": [{"endpoint": "127.0.0.1:0"}], "pipelines": os.path.join(folder, "pipelines"), "drain_ms": 200, **config}
        self.process = case.start("serve", "--config", case.write(f"{name}/host.json", config), "--json", env=env)
        ready = self.process.stdout.readline()
        if not ready:
            raise AssertionError(f"the host does not start: {case.finish(self.process)}")
        listeners = json.loads(ready)["listeners"]
        self.endpoint = listeners[0]["endpoint"]
        self.at = {listener["transport"]: listener["endpoint"] for listener in listeners}
        self.news, self.said = threading.Condition(), []
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        case.addCleanup(self.kill)

    def _read(self):
        for line in self.process.stderr:
            with self.news:
                self.said.append(line.decode())
                self.news.notify_all()

    def wait_until_said(self, text, times=1):
        with self.news:
            if not self.news.wait_for(lambda: sum(text in line for line in self.said) >= times, TIMEOUT):
                raise AssertionError(f"never said {text!r}: {self.said}")

    def count(self, text):
        """How often it was said up to now."""
        with self.news:
            return sum(text in line for line in self.said)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.reader.join(TIMEOUT)


def dead_endpoint():
    """Nobody listens there."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{free.getsockname()[1]}"


def remote(name, *hosts, **params):
    endpoints = [h.endpoint if isinstance(h, Host) else h for h in hosts]
    return {"transport": "http", "endpoints": endpoints, "manifest_source": {"type": "name", "name": name}, "retry": {"initial_backoff_ms": 10}, **params}


class RemoteCase(HeddleCase):
    def call(self, params, items, *arguments, code=OK, env=None, **entry):
        return self.run_manifest(pipeline(node("there", "RemotePipeline", params, **entry)), items, *arguments, code=code, env=env)

    def failed(self, params, item=1, **entry):
        """The dead letter of an item that fails."""
        self.call(params, [item], "--dead-letters", self.path("letters"), code=DEAD_LETTERS, **entry)
        (letter,) = [json.loads(line) for line in self.read("letters").splitlines()]
        self.assertEqual(letter["item"], item)
        os.remove(self.path("letters"))
        return letter


class Remote(RemoteCase):
    def test_an_item_goes_there_and_what_comes_out_comes_back(self):
        host = Host(self, "a", SERVED)
        self.assertEqual(self.call(remote("double", host), list(range(500))).items, [2 * n for n in range(500)])
        self.assertEqual(self.call(remote("none", host), [1, 2]).items, [])
        many = list(range(2000))
        self.assertEqual(self.call(remote("parts", host), [many]).items, many)
        text = {"a": 1.50, "b": ["é", None, "line\nline"], "c": 12345678901234567890}
        self.assertEqual(self.call(remote("parts", host), [[text]]).items, [text])

    def test_three_hosts_in_a_row(self):
        last = Host(self, "last", SERVED)
        middle = Host(self, "middle", {"twice": pipeline(node("m", "Multiply", {"multiplier": 10}), node("r", "RemotePipeline", remote("double", last)))})
        first = Host(self, "first", {"all": pipeline(node("r", "RemotePipeline", remote("twice", middle)), node("a", "Add", {"addend": 1}))})
        self.assertEqual(self.call(remote("all", first), [1, 2, 3]).items, [21, 41, 61])

    def test_a_cycle_of_hosts_is_refused_and_shown(self):
        first = dead_endpoint()
        last = Host(self, "last", {"c": pipeline(node("r", "RemotePipeline", remote("a", first)))})
        middle = Host(self, "middle", {"b": pipeline(node("r", "RemotePipeline", remote("c", last)))})
        Host(self, "first", {"a": pipeline(node("r", "RemotePipeline", remote("b", middle)))}, listen=[{"endpoint": first}])
        letter = self.failed(remote("a", first))
        self.assertEqual((letter["code"], letter["class"]), ("RemoteExecutionFailed", "permanent"))
        self.assertRegex(letter["message"], r"called by what it has called itself: a@[0-9a-f]{16} -> b@[0-9a-f]{16} -> c@[0-9a-f]{16} -> a@")

    def test_an_item_that_fails_there_fails_here_and_says_where(self):
        host = Host(self, "a", SERVED)
        letter = self.failed(remote("double", host), "x")
        self.assertEqual((letter["code"], letter["class"]), ("RemoteExecutionFailed", "permanent"))
        self.assertIn(f'pipeline "double" at {host.endpoint} failed in node m: Multiply takes a number', letter["message"])
        letter = self.failed(remote("dubble", host))
        self.assertEqual(letter["code"], "RemoteExecutionFailed")
        self.assertIn('there is no pipeline \\"dubble\\"; did you mean \\"double\\"?'.replace("\\", ""), letter["message"])
        self.assertIn(host.endpoint, letter["message"])

    def test_a_host_that_is_killed_with_items_in_it_loses_none(self):
        hosts = [Host(self, name, SERVED) for name in ("a", "b")]
        manifest = pipeline(node("there", "RemotePipeline", remote("slow", *hosts), idempotent=True))
        run = self.start("run", self.write("m.json", manifest), "--input", self.write("in", lines(range(40))), "--json", "--dead-letters", self.path("letters"))
        hosts[0].wait_until_said("it is in there", times=5)
        hosts[0].process.send_signal(signal.SIGKILL)
        answer = self.finish(run)
        self.assertEqual(answer.code, OK, f"{answer}\n{self.read('letters').decode() if os.path.exists(self.path('letters')) else ''}")
        self.assertEqual(sorted(answer.items), list(range(40)))
        self.assert_balanced(answer.report)

    def test_what_is_not_idempotent_is_not_sent_twice(self):
        host, other = Host(self, "a", SERVED), Host(self, "b", SERVED)
        manifest = pipeline(node("there", "RemotePipeline", remote("never", host, fallback=[{"endpoints": [other.endpoint]}])))
        run = self.start("run", self.write("m.json", manifest), "--input", self.write("in", lines([1])), "--dead-letters", self.path("letters"))
        host.wait_until_said("it is in there")
        host.process.send_signal(signal.SIGKILL)
        self.assertEqual(self.finish(run).code, DEAD_LETTERS)
        letter = json.loads(self.read("letters"))
        self.assertEqual((letter["code"], letter["item"]), ("AllEndpointsFailed", 1))
        self.assertEqual(letter["message"].count("attempt 1 to "), 1)
        self.assertNotIn("attempt 2", letter["message"])
        self.assertNotIn("it is in there", "".join(other.said))

    def test_where_all_are_down_each_is_named_with_its_reason(self):
        dead = [dead_endpoint(), dead_endpoint()]
        letter = self.failed(remote("double", *dead))
        self.assertEqual((letter["code"], letter["class"]), ("AllEndpointsFailed", "retryable"))
        for endpoint in dead:
            self.assertRegex(letter["message"], rf"attempt \d to {endpoint}: .*refused")

    def test_an_open_breaker_sends_nothing(self):
        dead = dead_endpoint()
        host = Host(self, "a", {"gone": pipeline(node("there", "RemotePipeline", remote("double", dead, circuit_breaker={"failure_threshold": 1})))})
        self.assertRegex(self.failed(remote("gone", host))["message"], rf"attempt 1 to {dead}: .*refused")  # the breaker is the host's: it outlives the run
        self.assertIn(f"the circuit breaker of {dead} is open", self.failed(remote("gone", host))["message"])

    def test_the_time_of_an_item_ends_it(self):
        host = Host(self, "a", SERVED)
        letter = self.failed(remote("never", host, timeout_ms=100))
        self.assertEqual((letter["code"], letter["class"]), ("RemoteTimeout", "retryable"))
        self.assertIn(host.endpoint, letter["message"])

    def test_other_endpoints_and_then_a_value_take_the_place(self):
        host = Host(self, "a", SERVED)
        params = remote("double", dead_endpoint(), fallback=[{"endpoints": [host.endpoint]}, {"value": "none"}])
        self.assertEqual(self.call(params, [1, 2]).items, [2, 4])
        params["fallback"][0]["endpoints"] = [dead_endpoint()]
        self.assertEqual(self.call(params, [1, 2]).items, ["none", "none"])

    def test_the_last_good_results_take_the_place_of_a_failure(self):
        host = Host(self, "a", SERVED)
        params = remote("parts", host, fallback=[{"last_good": True}, {"value": "none yet"}])
        run = self.start("run", self.write("m.json", pipeline(node("there", "RemotePipeline", params))), "--input", "-", stdin=subprocess.PIPE)
        for item, results in ((7, ["none yet"]), ([1, 2], [1, 2]), (7, [1, 2]), (7, [1, 2]), ([3], [3]), (7, [3])):
            run.stdin.write(lines([item]))
            run.stdin.flush()
            self.assertEqual([json.loads(run.stdout.readline()) for _ in results], results)
        self.assertEqual(self.finish(run).code, OK)
        self.failed(remote("parts", host, fallback=[{"last_good": True}, {"dead_letter": True}]), 7)

    def test_a_standby_node_takes_the_items_that_fail(self):
        host = Host(self, "a", SERVED)
        params = remote("double", host, fallback=[{"node": "near"}, {"dead_letter": True}])
        nodes = (node("there", "RemotePipeline", params), node("near", "Echo", standby=True), node("end", "PassThrough"))
        manifest = pipeline(*nodes, connections=[{"from": "there", "to": "end"}])
        answer = self.run_manifest(manifest, [1, "x", 2])
        self.assertEqual(sorted(answer.items, key=str), [2, 4, {"input": "x", "counter": 1, "node": "Echo"}])
        self.assert_balanced(answer.report)
        for change, why in (({"standby": False}, "of its own"), ({"id": "far"}, "no such node")):
            wrong = pipeline(nodes[0], {**nodes[1], **change}, nodes[2], connections=[{"from": "there", "to": "end"}])
            self.assertRegex(self.heddle("validate", self.write("m.json", wrong), code=INVALID).err, f"cannot fall back.*{why}")

    def test_a_policy_of_the_manifest_is_the_nodes_own(self):
        dead = dead_endpoint()
        params = {key: value for key, value in remote("double", dead).items() if key != "retry"}
        policies = {"once": {"retry": {"max_attempts": 2, "initial_backoff_ms": 1}, "circuit_breaker": {"failure_threshold": 9}, "hedge": {"after": "250ms"}, "attempt_timeout_ms": 5000}}
        manifest = pipeline(node("there", "RemotePipeline", params, policy="once"), policies=policies)
        self.run_manifest(manifest, [1], "--dead-letters", self.path("letters"), code=DEAD_LETTERS)
        letter = json.loads(self.read("letters"))
        self.assertEqual((letter["code"], letter["message"].count("attempt 2 to"), letter["message"].count("attempt 3 to")), ("AllEndpointsFailed", 1, 0))

    def test_a_breaker_outlives_the_run(self):
        policies = {"careful": {"attempt_timeout_ms": 20, "circuit_breaker": {"failure_threshold": 1, "reset_timeout_ms": 3_600_000}}}
        host = Host(self, "a", {"hangs": pipeline(node("d", "Delay", {"delay_ms": 600_000}, policy="careful"), policies=policies)})
        self.assertRegex(self.failed(remote("hangs", host))["message"], r"gave no answer within \d+ ms")
        self.assertIn('the circuit breaker of node "d" is open', self.failed(remote("hangs", host))["message"])

    def test_a_run_that_is_stopped_gives_up_what_is_there(self):
        host = Host(self, "a", SERVED)
        manifest = pipeline(node("there", "RemotePipeline", remote("never", host)), run={"drain_ms": 1})
        run = self.start("run", self.write("m.json", manifest), "--input", self.write("in", lines([1, 2, 3])))
        host.wait_until_said("it is in there", times=3)
        run.send_signal(signal.SIGTERM)
        self.finish(run)  # its end, within the time of the test, is what counts
        host.process.send_signal(signal.SIGTERM)
        self.assertEqual(host.process.wait(TIMEOUT), OK)  # nothing was left to be given up by force

    def test_the_token_is_asked_for_and_never_shown(self):
        tokens = [{"name": "me", "token": SECRET, "scopes": ["submit", "read"]}]
        host = Host(self, "a", SERVED, auth={"tokens": tokens})
        manifest = self.write("m.json", pipeline(node("there", "RemotePipeline", remote("double", host, auth_token=SECRET))))
        said = [self.heddle("run", manifest, "--input", "-", "--json", "-v", stdin=lines([1, "x"]), code=DEAD_LETTERS), self.heddle("plan", manifest, "--full"),
                self.heddle("plan", manifest, "--json")]
        self.assertEqual(said[0].items, [2])
        for answer in said:
            self.assertNotIn(SECRET, answer.out + answer.err)
        letter = self.failed(remote("double", host, auth_token="another-token"))
        self.assertEqual(letter["code"], "RemoteExecutionFailed")
        self.assertNotIn("another-token", json.dumps(letter))

    def test_params_that_are_unsafe_or_wrong_are_refused_before_anything_runs(self):
        rows = ((remote("double", "example.test:80"), r"on another machine.*insecure"),
                ({**remote("double", "localhost:1"), "transport": "htp"}, r'no plugin has the transport "htp"'),
                ({**remote("double", "localhost:1"), "endpoint": "localhost:1"}, "not both"),
                ({**remote("double", "localhost:1"), "tiemout_ms": 1}, "timeout_ms"))
        for params, why in rows:
            with self.subTest(why=why):
                answer = self.heddle("run", self.write("m.json", pipeline(node("there", "RemotePipeline", params))), "--input", "-", stdin=lines([1]), code=None)
                self.assertIn(answer.code, (INVALID, FAILED), answer)
                self.assertRegex(re.sub(r"\s+", " ", answer.err), why)

    def test_the_older_familys_words(self):
        host = Host(self, "a", SERVED)
        params = {"transport": "http", "endpoints": [host.endpoint], "pipeline_name": "double", "timeout_ms": 5000,
                  "retry": {"max_retries": 2, "backoff_ms": 5}, "circuit_breaker": {"failure_threshold": 3, "success_threshold": 1, "reset_timeout_ms": 100},
                  "load_balance_strategy": "least_connections", "health_check_interval_secs": 5}
        manifest = {"version": "v1", "metadata": {"name": "old"}, "nodes": [{"id": "r", "node_type": "RemotePipelineNode", "params": params}], "connections": []}
        answer = self.heddle("run", self.write("old.json", manifest), "--input", "-", stdin=lines([4]))
        self.assertEqual(answer.items, [8])


if __name__ == "__main__":
    unittest.main()
