"""A collector of OTLP over HTTP, as far as heddle needs one: it keeps what it is sent, and answers as it is told to."""
import http.server
import json
import threading

from program import TIMEOUT

OK = (200, {}, {})


class Span:
    """A span, and which service it is of."""

    def __init__(self, service, said):
        self.service, self.said, self.name = service, said, said["name"]
        self.trace, self.id, self.parent = said["traceId"], said["spanId"], said.get("parentSpanId")
        self.kind = {1: "internal", 2: "server", 3: "client"}[said["kind"]]
        self.begin, self.end = int(said["startTimeUnixNano"]), int(said["endTimeUnixNano"])
        self.attributes = {a["key"]: a["value"].get("stringValue", a["value"].get("intValue")) for a in said["attributes"]}
        self.failed = said.get("status", {}).get("code") == 2

    def __repr__(self):
        return f"{self.service}: {self.kind} {self.name} {self.id} under {self.parent} {self.attributes} {self.said.get('status', '')}"


class Export:
    """One request: its head, and its metrics by name, or its spans."""

    def __init__(self, path, headers, body):
        self.path, self.headers, self.text = path, headers, body.decode()
        self.body = json.loads(body)
        (of_resource,) = self.body.get("resourceMetrics") or self.body["resourceSpans"]
        self.resource = {a["key"]: a["value"]["stringValue"] for a in of_resource["resource"]["attributes"]}
        (of_scope,) = of_resource.get("scopeMetrics") or of_resource["scopeSpans"]
        self.scope = of_scope["scope"]
        self.metrics = {m["name"]: m for m in of_scope.get("metrics", [])}
        self.spans = [Span(self.resource["service.name"], said) for said in of_scope.get("spans", [])]

    def kind(self, name):
        """What the text of Prometheus calls it."""
        metric = self.metrics[name]
        (kind,) = metric.keys() & {"sum", "gauge", "histogram"}
        return {"sum": "counter"}.get(kind, kind), metric[kind]

    def samples(self):
        """Every number under the name and labels that the text of Prometheus gives it; and the kinds by name."""
        out, kinds = {}, {}
        for name in self.metrics:
            kinds[name], data = self.kind(name)
            for point in data["dataPoints"]:
                labels = {a["key"]: a["value"]["stringValue"] for a in point["attributes"]}
                key = lambda suffix="", **more: (name + suffix, tuple(sorted({**labels, **more}.items())))
                if kinds[name] != "histogram":
                    out[key()] = float(point["asInt"] if "asInt" in point else point["asDouble"])
                    continue
                out[key("_count")], out[key("_sum")] = float(point["count"]), float(point["sum"])
                total = 0
                for bound, count in zip([*map(float, point["explicitBounds"]), float("inf")], point["bucketCounts"], strict=True):
                    total += int(count)
                    out[key("_bucket", le=bound)] = float(total)
        return out, kinds

    def value(self, name, **labels):
        return self.samples()[0][name, tuple(sorted(labels.items()))]


class Collector:
    """Listens on a free port, or on the one that is given. `answers` are given one after the other, the last one again and again: (status, fields, body), or None:
    never."""

    def __init__(self, case, *answers, port=0):
        self.exports, self.news, self.answers, self.over = [], threading.Condition(), list(answers) or [OK], threading.Event()
        collector = self

        class Asked(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                collector.take(self, Export(self.path, self.headers, self.rfile.read(int(self.headers["Content-Length"]))))

            def handle(self):
                try:
                    super().handle()
                except ConnectionError:
                    pass  # the host has gone

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Asked)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()
        case.addCleanup(self.end)

    def take(self, asked, export):
        with self.news:
            self.exports.append(export)
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            self.news.notify_all()
        if answer is None:
            self.over.wait()
            asked.close_connection = True
            return
        status, fields, body = answer
        data = json.dumps(body).encode()
        asked.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(data)), **fields}.items():
            asked.send_header(name, value)
        asked.end_headers()
        asked.wfile.write(data)

    def wait_for(self, count):
        """The exports, when there are so many at least."""
        with self.news:
            if not self.news.wait_for(lambda: len(self.exports) >= count, TIMEOUT):
                raise AssertionError(f"only {len(self.exports)} exports came, not {count}")
            return list(self.exports)

    def spans(self):
        """Each once: an export whose answer did not come in time is sent again."""
        return list({span.id: span for export in self.exports for span in export.spans}.values())

    def wait_for_span(self, wanted):
        """The first span of which `wanted` is true, and all others that have come by then."""
        with self.news:
            if not self.news.wait_for(lambda: any(map(wanted, self.spans())), TIMEOUT):
                raise AssertionError("no such span among\n" + "\n".join(map(repr, self.spans())))
            return next(filter(wanted, self.spans()))

    def end(self):
        self.over.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(TIMEOUT)
