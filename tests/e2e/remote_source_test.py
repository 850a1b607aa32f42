"""Manifests that go along with their items: sent to a host by hand, and by RemotePipeline, over both transports."""
import http.client
import json
import unittest

from program import DEAD_LETTERS, FAILED, INVALID, OK, TIMEOUT, lines, node, pipeline
from remote_test import Host, RemoteCase, dead_endpoint, remote

ALLOWED = {"inline": True, "node_types": ["Multiply", "Add", "Split", "PassThrough", "Log", "Delay", "Echo", "RemotePipeline"]}
DOUBLE = pipeline(node("m", "Multiply", {"multiplier": 2}))


def ask(host, body, content_type="application/json"):
    """Status and text of what POST /v1/execute answers."""
    address, port = host.endpoint.rsplit(":", 1)
    connection = http.client.HTTPConnection(address, int(port), timeout=TIMEOUT)
    try:
        connection.request("POST", "/v1/execute", body if isinstance(body, bytes) else json.dumps(body), {"Content-Type": content_type})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


class Sent(RemoteCase):
    def refused(self, host, manifest, why, status=400):
        said, text = ask(host, {"manifest": manifest, "input": 1})
        self.assertEqual(said, status, text)
        self.assertIn(why, json.loads(text)["error"]["message"])

    def test_a_manifest_that_comes_with_its_input_is_run(self):
        host = Host(self, "a", {}, execute=ALLOWED)
        for given, outputs in ((21, [42]), ([1, 2, 3], [2, 4, 6]), ([], [])):
            status, text = ask(host, {"manifest": DOUBLE, "input": given})
            self.assertEqual((status, json.loads(text)), (200, {"outputs": outputs, "failed": []}), text)
        status, text = ask(host, lines([{"manifest": DOUBLE}, 1, "x", 3]), "application/x-ndjson")
        said = [json.loads(line) for line in text.splitlines()]
        self.assertEqual((status, [s["output"] for s in said if "output" in s]), (200, [2, 6]), text)
        self.assertEqual([s["failed"]["node"] for s in said if "failed" in s], ["m"])
        old = {"version": "v1", "nodes": [{"id": "m", "node_type": "Multiply", "params": {"multiplier": 3}}]}
        self.assertEqual(json.loads(ask(host, {"manifest": old, "input": 2})[1])["outputs"], [6])

    def test_what_is_not_asked_for_as_it_must_be_is_refused(self):
        host = Host(self, "a", {}, execute=ALLOWED)
        for body, why in (({"input": 1}, '"manifest" is missing'), ({"manifest": DOUBLE}, '"input" is missing'), ({"manifest": 1, "input": 1}, "must be an object"),
                          ({"manifest": DOUBLE, "input": 1, "more": 1}, '"more"'), (b"{", "not JSON")):
            status, text = ask(host, body)
            self.assertEqual(status, 400, text)
            self.assertIn(why, json.loads(text)["error"]["message"])
        for body, why in ((b"", "first line"), (lines([1]), "must be an object"), (lines([{"manifest": DOUBLE, "input": 1}]), '"input"'), (lines([{"manifest": DOUBLE}]) + b"{", "line 2")):
            status, text = ask(host, body, "application/x-ndjson")
            self.assertEqual(status, 400, text)
            self.assertIn(why, json.loads(text)["error"]["message"])

    def test_it_is_off_unless_the_configuration_says_so(self):
        self.refused(Host(self, "a", {}), DOUBLE, '"execute": {"inline": true', status=403)
        self.refused(Host(self, "b", {}, execute={"node_types": ["Multiply"]}), DOUBLE, '"execute": {"inline": true', status=403)

    def test_it_may_use_no_more_than_the_configuration_names(self):
        host = Host(self, "a", {}, execute={"inline": True, "node_types": ["PassThrough", "Delay"]}, lanes={"mine": {"max_concurrency": 1}})
        self.refused(host, pipeline(node("p", "PassThrough"), node("m", "Multiply", {"multiplier": 2})),
                     '/nodes/1/node_type: a manifest that is sent to this host may not use the node type "Multiply" (its configuration allows, in "execute.node_types": PassThrough, Delay)')
        self.refused(host, {"version": "v1", "nodes": [{"id": "e", "node_type": "EchoNode"}]}, '/nodes/0/node_type: a manifest that is sent to this host may not use the node type "EchoNode"')
        self.refused(host, pipeline(node("p", "PassThrough", state="keep")), "keeps no state there")
        self.refused(host, pipeline(node("p", "PassThrough"), lanes={"big": {"max_concurrency": 512}}), 'this host has no lane "big"')
        status, text = ask(host, {"manifest": pipeline(node("p", "PassThroughNode", lane="mine"), lanes={"mine": {}}), "input": 1})
        self.assertEqual((status, json.loads(text)["outputs"]), (200, [1]), text)
        self.refused(host, {"manifest": DOUBLE, "input_data": [1]}, "")

    def test_it_takes_in_nothing_of_the_host(self):
        host = Host(self, "a", {}, execute=ALLOWED)
        secret = self.write("secret", "of-the-host")
        for reference in ("${env.HOME}", "${env.NOT_SET:-x}", "${file:" + secret + "}"):
            self.refused(host, pipeline(node("l", "Log", {"message": "it is " + reference})), f'/nodes/0/params/message: a manifest that is sent to a host takes in nothing of that host: "{reference}"')
        for source in ("env:HOME", "file:" + secret):
            manifest = pipeline(node("l", "Log", {"message": "${param.s}"}), params={"s": {"type": "secret", "from": source}})
            self.refused(host, manifest, 'takes in nothing of that host: the secret "s"')
        manifest = pipeline(node("m", "Multiply", {"multiplier": "${param.by}"}), params={"by": {"type": "number", "default": 5}})
        self.assertEqual(json.loads(ask(host, {"manifest": manifest, "input": 1})[1])["outputs"], [5])

    def test_a_remote_pipeline_sends_its_manifest_along(self):
        grpc = {"transport": "grpc", "endpoint": "127.0.0.1:0"}
        host = Host(self, "a", {}, execute=ALLOWED, listen=[{"endpoint": "127.0.0.1:0"}, grpc])
        for transport, endpoint in (("http", host.at["http"]), ("grpc", host.at["grpc"])):
            for manifest in (DOUBLE, json.dumps(DOUBLE, indent=2)):
                params = remote("", endpoint, transport=transport, manifest_source={"type": "inline", "manifest": manifest})
                self.assertEqual(self.call(params, list(range(60))).items, [2 * n for n in range(60)], transport)
            parts = remote("", endpoint, transport=transport, manifest_source={"type": "inline", "manifest": pipeline(node("s", "Split"))})
            self.assertEqual(self.call(parts, [list(range(500))]).items, list(range(500)))
            letter = self.failed(params, "x")
            self.assertIn(f'pipeline "test" at {endpoint} failed in node m: Multiply takes a number', letter["message"])

    def test_an_idempotency_key_is_found_in_the_item(self):
        host = Host(self, "a", {}, execute=ALLOWED)
        source = {"type": "inline", "manifest": pipeline(node("told", "Log", {"message": "it is in there"}), node("d", "Delay", {"delay_ms": 3_600_000}))}
        other = Host(self, "b", {}, execute=ALLOWED)
        manifest = pipeline(node("there", "RemotePipeline", remote("", host, other, manifest_source=source, timeout_ms=60_000), idempotency_key="/id"))
        self.start("run", self.write("m.json", manifest), "--input", self.write("in", lines([{"id": "one"}])))
        host.wait_until_said("it is in there")
        host.process.kill()
        other.wait_until_said("it is in there")  # sent again, for it has a key

    def test_what_a_host_refuses_fails_the_item(self):
        host = Host(self, "a", {}, execute={"inline": True, "node_types": ["PassThrough"]})
        letter = self.failed(remote("", host, manifest_source={"type": "inline", "manifest": DOUBLE}))
        self.assertEqual((letter["code"], letter["class"]), ("RemoteExecutionFailed", "permanent"))
        self.assertIn('/nodes/0/node_type: a manifest that is sent to this host may not use the node type "Multiply"', letter["message"])
        self.assertIn(host.endpoint, letter["message"])

    def test_a_sent_manifest_that_sends_itself_around_is_refused(self):
        first = dead_endpoint()
        host = Host(self, "a", {"a": pipeline(node("r", "RemotePipeline", remote("", first, manifest_source={"type": "inline", "manifest": pipeline(node("b", "RemotePipeline", remote("a", first)))})))},
                    execute=ALLOWED, listen=[{"endpoint": first}])
        letter = self.failed(remote("a", host))
        self.assertRegex(letter["message"], r"called by what it has called itself: a@[0-9a-f]{16} -> test@[0-9a-f]{16} -> a@")

    def test_sources_that_contradict_themselves_are_refused(self):
        for more, why in (({"manifest_source": {"type": "inline"}}, 'needs "manifest"'), ({"manifest_source": {"type": "inline", "manifest": DOUBLE, "name": "a"}}, 'has no "name"'),
                          ({"manifest_source": {"type": "inline", "manifest": "{"}}, "not JSON"), ({"manifest_source": {"type": "inline", "manifest": "[1]"}}, "must be a manifest"),
                          ({"manifest": DOUBLE}, "mean the same"), ({"manifest_endpoint": "http://localhost:1"}, "manifest_endpoint"), ({"auth_header": "x"}, "auth_header")):
            with self.subTest(why=why):
                answer = self.heddle("validate", self.write("m.json", pipeline(node("there", "RemotePipeline", {**remote("a", "localhost:1"), **more}))), code=INVALID)
                self.assertIn(why, answer.err + answer.out)

    def test_the_older_familys_words_send_along(self):
        host = Host(self, "a", {}, execute=ALLOWED)
        nested = {"version": "v1", "nodes": [{"id": "m", "nodeType": "Multiply", "params": {"multiplier": 4}}]}
        for manifest in (nested, json.dumps(nested)):
            params = {"transport": "http", "endpoint": host.endpoint, "manifest": manifest, "timeout_ms": 5000, "auth_token": "$TOKEN_FOR_IT"}
            old = {"version": "v1", "metadata": {"name": "old"}, "nodes": [{"id": "r", "node_type": "RemotePipelineNode", "params": params}], "connections": []}
            answer = self.heddle("run", self.write("old.json", old), "--input", "-", stdin=lines([4]), env={"TOKEN_FOR_IT": "a-token"})
            self.assertEqual(answer.items, [16])


if __name__ == "__main__":
    unittest.main()
