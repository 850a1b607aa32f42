"""One trace through several real hosts: its context over both transports, and the spans that a collector of OpenTelemetry is told."""
import json
import re
import signal
import unittest
import urllib.error
import urllib.request

from collector import Collector
from program import DEAD_LETTERS, OK, TIMEOUT, HeddleCase, node, pipeline
from remote_test import Host, dead_endpoint, remote

SECRET = "a-token-that-nobody-may-see"
TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SAMPLED, NOT_SAMPLED = {"TRACEPARENT": f"00-{TRACE}-{SPAN}-01", "TRACESTATE": "vendor=x"}, {"TRACEPARENT": f"00-{TRACE}-{SPAN}-00"}
DOUBLE = pipeline(node("m", "Multiply", {"multiplier": 2}))


class Traced(HeddleCase):
    service, more, endpoint = "run", {}, None

    def environment(self, extra=None):
        traces = {"OTEL_EXPORTER_OTLP_ENDPOINT": self.endpoint or self.collector.url, "OTEL_METRICS_EXPORTER": "none", "OTEL_BSP_SCHEDULE_DELAY": "50", "OTEL_SERVICE_NAME": self.service}
        return {**super().environment(), **traces, **self.more, **(extra or {})}

    def setUp(self):
        super().setUp()
        self.collector = Collector(self)

    def serve(self, name, pipelines, transport="http", **config):
        self.service = name
        host = Host(self, name, pipelines, listen=[{"transport": transport, "endpoint": "127.0.0.1:0"}], **config)
        self.service = "run"
        return host

    def end(self, host):
        """When all that it has to tell is told."""
        host.process.send_signal(signal.SIGTERM)
        self.assertEqual(host.process.wait(TIMEOUT), OK)

    def call(self, params, items, *arguments, code=OK, env=None):
        return self.run_manifest(pipeline(node("there", "RemotePipeline", params)), items, *arguments, code=code, env=env)

    def ask(self, host, path, body, **headers):
        request = urllib.request.Request(f"http://{host.endpoint}{path}", data=json.dumps(body).encode(), headers={"Content-Type": "application/json", **headers})
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            with error:
                return error.code

    def way_up(self, span):
        """(service, kind, name) from a span to the first one that has no parent among those that came; each lies within its parent, and is of the same trace."""
        by_id = {s.id: s for s in self.collector.spans()}
        way = [span]
        while way[-1].parent in by_id:
            way.append(by_id[way[-1].parent])
        for child, parent in zip(way, way[1:]):
            self.assertEqual(child.trace, parent.trace)
            if child.service == parent.service and parent.kind != "server":
                self.assertGreaterEqual(child.begin, parent.begin, (child, parent))
        return way


class Traces(Traced):
    def three_hosts(self, transport):
        last = self.serve("last", {"double": DOUBLE}, transport)
        middle = self.serve("middle", {"twice": pipeline(node("on", "RemotePipeline", remote("double", last, transport=transport)))}, transport)
        return [self.serve("first", {"all": pipeline(node("on", "RemotePipeline", remote("twice", middle, transport=transport)))}, transport), middle, last]

    def check_one_trace(self, transport, call, execute):
        hosts = self.three_hosts(transport)
        self.assertEqual(self.call(remote("all", hosts[0], transport=transport), [21], env=SAMPLED).items, [42])
        for host in hosts:
            self.end(host)
        (inmost,) = [s for s in self.collector.spans() if s.service == "last" and s.name == "m"]
        way = self.way_up(inmost)
        names = [("internal", "m")]
        for caller, called in (("on", "double"), ("on", "twice"), ("there", "all")):
            names += [("internal", f"run {called}"), ("server", execute), ("client", call), ("internal", "call pipelines.each"), ("internal", caller)]
        self.assertEqual([(s.kind, s.name) for s in way], [*names, ("internal", "run test")])
        self.assertEqual([s.service for s in way], ["last"] * 3 + ["middle"] * 5 + ["first"] * 5 + ["run"] * 4)
        self.assertEqual((way[-1].parent, {s.trace for s in self.collector.spans()}), (SPAN, {TRACE}))
        self.assertEqual({s.said["traceState"] for s in self.collector.spans()}, {"vendor=x"})
        self.assertFalse([s for s in self.collector.spans() if s.failed])
        self.assertEqual({export.path for export in self.collector.exports}, {"/v1/traces"})
        return way

    def test_three_hosts_are_one_trace_over_http(self):
        path = "/v1/pipelines/{name}/each"
        way = self.check_one_trace("http", f"POST {path}", f"POST {path}")
        client, server = way[3], way[2]
        self.assertEqual((client.attributes["http.request.method"], client.attributes["url.template"], client.attributes["server.address"]), ("POST", path, "127.0.0.1"))
        self.assertTrue(client.attributes["server.port"].isdigit())
        self.assertEqual((server.attributes["http.route"], server.attributes["heddle.pipeline"]), (path, "double"))
        self.assertRegex(server.attributes["client.address"], r"127\.0\.0\.1")

    def test_three_hosts_are_one_trace_over_grpc(self):
        way = self.check_one_trace("grpc", "pipelines.each", "pipelines.each")
        self.assertEqual((way[3].attributes["rpc.system"], way[3].attributes["rpc.method"]), ("grpc", "pipelines.each"))

    def test_what_is_not_sampled_is_told_nowhere(self):
        hosts = self.three_hosts("http")
        self.assertEqual(self.call(remote("all", hosts[0]), [21], env=NOT_SAMPLED).items, [42])
        self.assertEqual(self.call(remote("all", hosts[0]), [21], env={"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0"}).items, [42])
        for host in hosts:
            self.end(host)
        self.assertEqual(self.collector.exports, [])

    def test_who_records_nothing_does_not_tear_the_trace_apart(self):
        last = self.serve("last", {"double": DOUBLE})
        self.more = {"OTEL_TRACES_EXPORTER": "none"}
        middle = self.serve("middle", {"twice": pipeline(node("on", "RemotePipeline", remote("double", last)))})
        self.more = {}
        self.assertEqual(self.call(remote("twice", middle), [1], env=SAMPLED).items, [2])
        self.end(last)
        server = self.collector.wait_for_span(lambda s: s.service == "last" and s.kind == "server")
        self.assertEqual([s.service for s in self.way_up(server)], ["last"] + ["run"] * 4)

    def test_a_traceparent_that_breaks_the_rules_is_none(self):
        host = self.serve("host", {"double": DOUBLE})
        for wrong in ("", "00-0-0-01", f"00-{TRACE.upper()}-{SPAN}-01", f"00-{TRACE}-{'0' * 16}-01", f"ff-{TRACE}-{SPAN}-01", f"00-{TRACE}-{SPAN}-01-more"):
            self.assertEqual(self.ask(host, "/v1/pipelines/double/execute", 1, traceparent=wrong), 200)
        self.assertEqual(self.ask(host, "/v1/pipelines/double/execute", 1, traceparent=SAMPLED["TRACEPARENT"], tracestate="a=1, b@c=2"), 200)
        self.end(host)
        servers = [s for s in self.collector.spans() if s.kind == "server"]
        *begun, continued = sorted(servers, key=lambda s: s.begin)
        self.assertEqual((continued.trace, continued.parent, continued.said["traceState"]), (TRACE, SPAN, "a=1,b@c=2"))
        self.assertEqual(continued.said["flags"], 0x301)
        self.assertEqual((len({s.trace for s in begun}), {s.parent for s in begun}), (6, {None}))
        self.assertNotIn(TRACE, {s.trace for s in begun})

    def test_each_attempt_has_a_span_that_says_what_became_of_it(self):
        host, dead = self.serve("host", {"double": DOUBLE}), dead_endpoint()
        params = remote("double", dead, fallback=[{"endpoints": [host.endpoint]}], retry={"max_attempts": 1})
        self.assertEqual(self.call(params, [1], env=SAMPLED).items, [2])
        self.end(host)
        call = self.collector.wait_for_span(lambda s: s.name == "call pipelines.each")
        attempts = sorted((s for s in self.collector.spans() if s.parent == call.id), key=lambda s: s.begin)
        self.assertEqual([(a.attributes["heddle.attempt"], a.attributes.get("error.type"), a.failed) for a in attempts], [("1", "unreachable", True), ("2", None, False)])
        self.assertEqual([f"{a.attributes['server.address']}:{a.attributes['server.port']}" for a in attempts], [dead, host.endpoint])
        self.assertEqual((call.attributes["heddle.endpoint"], call.attributes["heddle.ending"], call.failed), (host.endpoint, "answered", False))
        server = self.collector.wait_for_span(lambda s: s.kind == "server")
        self.assertEqual(server.parent, attempts[1].id)

    def test_a_job_is_a_part_of_what_submitted_it(self):
        host = self.serve("host", {"double": DOUBLE})
        self.heddle("submit", "pipeline/double", "4", "--wait", env={"HEDDLE_HOST": f"http://{host.endpoint}", **SAMPLED})
        self.end(host)
        (inmost,) = [s for s in self.collector.spans() if s.name == "m"]
        way = self.way_up(inmost)
        self.assertEqual([(s.kind, s.name) for s in way], [("internal", "m"), ("internal", "run double"), ("server", "POST /v1/jobs")])
        self.assertEqual((way[-1].parent, way[-1].trace), (SPAN, TRACE))

    def test_a_failure_is_told_where_it_is_and_no_secret_with_it(self):
        tokens = [{"name": "me", "token": SECRET, "scopes": ["submit", "read"]}]
        host = self.serve("host", {"never": pipeline(node("a", "Assert", {"min": 9, "message": f"not {SECRET}"}))}, auth={"tokens": tokens})
        self.more = {"OTEL_EXPORTER_OTLP_HEADERS": "authorization=" + SECRET}
        self.call(remote("never", host, auth_token=SECRET), [1], "--dead-letters", self.path("letters"), code=DEAD_LETTERS, env=SAMPLED)
        self.call(remote("absent", host, auth_token=SECRET), [1], "--dead-letters", self.path("letters"), code=DEAD_LETTERS, env=SAMPLED)
        self.end(host)
        spans = self.collector.spans()
        self.assertEqual({(s.service, s.name) for s in spans if s.failed and s.kind == "internal" and s.name in ("a", "there")}, {("host", "a"), ("run", "there")})
        (refused,) = [s for s in spans if s.kind == "server" and "error.type" in s.attributes]
        self.assertEqual((refused.attributes["error.type"], refused.failed), ("not-found", False))  # the peer's mistake
        (attempt,) = [s for s in spans if s.kind == "client" and s.failed]
        self.assertEqual((attempt.attributes["error.type"], attempt.id), ("not-found", refused.parent))
        for export in self.collector.exports:
            self.assertNotIn(SECRET, export.text)

    def test_a_node_has_one_span_however_many_items_there_are(self):
        manifest = self.write("m.json", pipeline(node("m", "Multiply", {"multiplier": 2}), node("n", "Add", {"addend": 1})))
        items = b"".join(b"%d\n" % i for i in range(20_000))
        self.assertEqual(len(self.heddle("run", manifest, "--input", "-", stdin=items, env=SAMPLED).items), 20_000)
        spans = {s.name: s for s in self.collector.spans()}
        self.assertEqual((sorted(spans), len(self.collector.spans())), (["m", "n", "run test"], 3))
        self.assertEqual((spans["m"].attributes["heddle.calls"], spans["m"].attributes["heddle.node.type"]), ("20000", "Multiply"))
        self.assertEqual(spans["run test"].attributes["heddle.output_items"], "20000")
        self.assertGreater(int(spans["n"].attributes["heddle.busy_ns"]), 0)

    def test_a_collector_that_is_down_costs_nothing_but_spans(self):
        self.endpoint = "http://" + dead_endpoint()
        host = self.serve("host", {"double": DOUBLE})
        answer = self.call(remote("double", host), list(range(300)), env=SAMPLED)
        self.assertEqual(answer.items, [2 * n for n in range(300)])
        self.assertIn("spans do not reach the collector", answer.err)
        host.wait_until_said("spans do not reach the collector")
        self.end(host)

    def test_a_collector_that_never_answers_holds_nothing_up(self):
        self.collector = Collector(self, None)
        answer = self.run_manifest(DOUBLE, [1], env=SAMPLED)
        self.assertEqual(answer.items, [2])
        self.assertIn("spans do not reach the collector", answer.err)

    def test_more_than_may_wait_is_dropped_and_counted(self):
        self.endpoint, self.more = "http://" + dead_endpoint(), {"OTEL_BSP_MAX_QUEUE_SIZE": "10"}
        host = self.serve("host", {"double": DOUBLE})
        for _ in range(9):
            self.assertEqual(self.ask(host, "/v1/pipelines/double/execute", 1), 200)
        with urllib.request.urlopen(f"http://{host.endpoint}/metrics", timeout=TIMEOUT) as page:
            counted = dict(re.findall(r"^heddle_spans_(\w+)_total (\d+)$", page.read().decode(), re.M))
        self.assertGreater(int(counted["dropped"]), 0)
        self.assertGreaterEqual(int(counted["recorded"]), 10)
        self.end(host)


if __name__ == "__main__":
    unittest.main()
