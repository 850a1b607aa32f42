"""`heddle serve` tells its metrics to a collector of OpenTelemetry: the same as GET /metrics, and without harm where the collector does harm. Spans: trace_test.py."""
import os
import re
import socket
import unittest
import urllib.request

from collector import OK, Collector
from host import Host
from program import HeddleCase, node, pipeline

SECRET = "Basic bm90LXRvLWJlLXNob3du"


def prometheus(text):
    """Every number of the text by its name and labels, and the kinds by name."""
    numbers, kinds = {}, {}
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            kinds[name] = kind
        elif line and not line.startswith("#"):
            name, labels, value = re.fullmatch(r"(\w+)(?:\{(.*)\})? (\S+)", line).groups()
            pairs = dict(re.findall(r'(\w+)="([^"]*)"', labels or ""))
            if "le" in pairs:
                pairs["le"] = float(pairs["le"])
            numbers[name, tuple(sorted(pairs.items()))] = float(value)
    return numbers, kinds


class Otlp(HeddleCase):
    def serve(self, url, interval_ms=50, **more):
        config = self.write("host.json", {"listen": [{"endpoint": "127.0.0.1:0"}], "pipelines": self.path("served"), "drain_ms": 200})
        env = {"OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_METRIC_EXPORT_INTERVAL": str(interval_ms), "OTEL_TRACES_EXPORTER": "none", **more}
        return Host(self, self.start("serve", "--config", config, env=env))

    def setUp(self):
        super().setUp()
        self.write_served("double", pipeline(node("m", "Multiply", {"multiplier": 2})))
        self.write_served("soon", pipeline(node("d", "Delay", {"delay_ms": 400})))

    def write_served(self, name, manifest):
        os.makedirs(self.path("served"), exist_ok=True)
        self.write(f"served/{name}.json", manifest)

    def run_job(self, host, type="pipeline/double", payload=4):
        status, job = host.ask("POST", "/v1/jobs", {"type": type, "payload": payload})
        status, job = host.ask("GET", f"/v1/jobs/{job['id']}/wait?timeout_ms=60000")
        self.assertEqual((status, job["state"]), (200, "done"), job)

    def scrape(self, host):
        with urllib.request.urlopen(f"http://{host.address}/metrics") as answer:
            return prometheus(answer.read().decode())

    def test_a_collector_is_told_what_the_metrics_page_shows(self):
        collector = Collector(self)
        host = self.serve(collector.url + "/base/", OTEL_EXPORTER_OTLP_HEADERS=f"authorization={SECRET.replace(' ', '%20')}", OTEL_SERVICE_NAME="looms",
                          OTEL_RESOURCE_ATTRIBUTES="deployment.environment=test")
        for payload in range(3):
            self.run_job(host, payload=payload)
        before, kinds = self.scrape(host)
        export = collector.wait_for(len(collector.exports) + 2)[-1]  # begun after the page was read
        after, _ = self.scrape(host)
        self.assertEqual(export.path, "/base/v1/metrics")
        self.assertEqual((export.headers["Content-Type"], export.headers["Authorization"]), ("application/json", SECRET))
        self.assertEqual((export.resource["service.name"], export.resource["deployment.environment"]), ("looms", "test"))
        self.assertEqual(export.resource["service.version"], export.scope["version"])
        numbers, told = export.samples()
        self.assertEqual(told, kinds)
        self.assertEqual(numbers.keys(), before.keys())
        for (name, labels), number in numbers.items():
            if kinds.get(name) == "gauge" and (dict(labels).get("lane") in ("system", "control") or name == "heddle_lane_running"):
                continue  # what runs there while the page, or the export, is made; and a run ends a moment after its job is answered
            self.assertLessEqual(before[name, labels], number, (name, labels))
            self.assertLessEqual(number, after[name, labels], (name, labels))
        self.assertEqual(export.value("heddle_lane_jobs_completed_total", lane="default"), 3)
        self.assertEqual(export.value("heddle_lane_job_run_seconds_count", lane="default"), 3)
        self.assertEqual(export.metrics["heddle_lane_job_run_seconds"]["unit"], "s")
        self.assertTrue(export.kind("heddle_lane_jobs_completed_total")[1]["isMonotonic"])
        self.assertEqual(host.end(), 0)
        self.assertNotIn("otlp", host.text)

    def test_the_last_word_is_said_at_the_end(self):
        collector = Collector(self)
        host = self.serve(collector.url, interval_ms=3_600_000)
        self.run_job(host)
        self.assertEqual(host.end(), 0)
        (export,) = collector.exports
        self.assertEqual(export.value("heddle_lane_jobs_completed_total", lane="default"), 1)

    def test_a_collector_that_is_down_is_told_of_once_and_again_when_it_is_back(self):
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1]
        host = self.serve(f"http://127.0.0.1:{port}")
        host.wait_for(f"metrics do not reach the collector at http://127.0.0.1:{port}/v1/metrics: ")
        self.run_job(host, "pipeline/soon")
        collector = Collector(self, port=port)
        host.wait_for(f"metrics reach the collector at http://127.0.0.1:{port}/v1/metrics again")
        export = collector.wait_for(2)[-1]  # the first one may have been made before the job was done
        self.assertEqual(export.value("heddle_lane_jobs_completed_total", lane="default"), 1)
        self.assertEqual(host.end(), 0)
        self.assertEqual(host.text.count("metrics do not reach"), 1, host.text)

    def test_what_a_collector_refuses_is_said_once(self):
        refusal = (400, {}, {"code": 3, "message": "no such tenant"})
        partly = (200, {}, {"partialSuccess": {"rejectedDataPoints": "5", "errorMessage": "too old"}})
        collector = Collector(self, refusal, refusal, OK, (503, {}, {}), (503, {}, {}), (502, {}, {}), OK, partly, partly, OK)
        host = self.serve(collector.url, OTEL_EXPORTER_OTLP_HEADERS="authorization=" + SECRET.replace(" ", "%20"))
        collector.wait_for(11)
        self.assertEqual(host.end(), 0)
        said = [line for line in host.text.splitlines() if "otlp" in line]
        self.assertEqual(len(said), 6, host.text)
        for line, words in zip(said, ("do not reach .*no such tenant", "again", "do not reach .*", "again", "do not reach .*5 data points were refused: too old", "again"), strict=True):
            self.assertRegex(line, words)
        self.assertNotIn(SECRET, host.text)

    def test_a_collector_that_asks_for_a_pause_gets_it(self):
        collector = Collector(self, (503, {"Retry-After": "3600"}, {}), OK)
        host = self.serve(collector.url)
        host.wait_for("metrics do not reach")
        self.run_job(host, "pipeline/soon")  # eight intervals
        self.assertEqual(host.end(), 0)
        self.assertEqual(len(collector.exports), 2)  # and the last word

    def test_a_collector_that_never_answers_holds_nothing_up(self):
        collector = Collector(self, None)
        host = self.serve(collector.url, OTEL_EXPORTER_OTLP_TIMEOUT="3600000")
        collector.wait_for(1)
        self.run_job(host, "pipeline/soon")
        self.assertEqual(len(collector.exports), 1)  # one at a time
        self.assertEqual(host.end(), 0)
        self.assertEqual(len(collector.wait_for(2)), 2)  # the last word was sent, but perhaps not read yet

    def test_a_mistake_in_the_environment_is_said_and_the_host_serves(self):
        host = self.serve("localhost:4318")
        self.run_job(host)
        self.assertEqual(host.end(), 0)
        self.assertIn("OTEL_EXPORTER_OTLP_ENDPOINT must be a URL like http://localhost:4318", host.text)


if __name__ == "__main__":
    unittest.main()
