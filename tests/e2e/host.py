"""Drives a running host: what every test of `heddle serve` and of the verbs that talk to it stands on."""
import json
import os
import re
import signal
import threading
import time
import urllib.error
import urllib.request

from program import OK, TIMEOUT, HeddleCase, node, pipeline

UNREACHABLE, TRY_LATER, NOT_ALLOWED = 69, 75, 77

# What the hosts here serve: each is a job type, pipeline/NAME.
PIPELINES = {
    "double": pipeline(node("m", "Multiply", {"multiplier": 2})),
    "slow": pipeline(node("d", "Delay", {"delay_ms": 600_000})),
    "soon": pipeline(node("d", "Delay", {"delay_ms": 300})),
    "never": pipeline(node("a", "Assert", {"min": 1_000_000, "message": "not enough"})),
}


class Host:
    """A running `heddle serve`; what it says on stderr is read as it comes."""

    def __init__(self, case, process):
        self.case, self.process, self.said = case, process, []
        self.news = threading.Condition()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        case.addCleanup(self.leave)
        self.address = self.wait_for(r"ready: http on (\S+)").group(1)

    def _read(self):
        for line in self.process.stderr:
            with self.news:
                self.said.append(line.decode())
                self.news.notify_all()
        with self.news:
            self.said.append(None)
            self.news.notify_all()

    def leave(self):
        if self.process.poll() is None:
            self.process.kill()
        self.reader.join(TIMEOUT)

    @property
    def text(self):
        return "".join(line for line in self.said if line)

    def wait_for(self, pattern, after=0):
        """The first match in what was said from `after` on."""
        deadline = time.monotonic() + TIMEOUT
        with self.news:
            while True:
                found = re.compile(pattern).search(self.text, after)
                if found:
                    return found
                if (self.said and self.said[-1] is None) or not self.news.wait(deadline - time.monotonic()):
                    raise AssertionError(f"never said {pattern!r}:\n{self.text}")

    def ask(self, method, path, body=None, token=None, content_type="application/json"):
        """Status and JSON of an answer."""
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://{self.address}{path}", data=data, method=method)
        if data is not None:
            request.add_header("Content-Type", content_type)
        if token:
            request.add_header("Authorization", f"Bearer {token}")
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read() or b"null")

    def execute(self, name, item):
        status, answer = self.ask("POST", f"/v1/pipelines/{name}/execute", item)
        self.case.assertEqual(status, 200, answer)
        return answer["outputs"]

    def reload(self):
        after = len(self.text)
        self.process.send_signal(signal.SIGHUP)
        return self.wait_for(r"(?:not )?reloaded.*", after).group(0)

    def end(self, with_signal=signal.SIGTERM):
        """The exit code, when all that it said is in `text`."""
        self.process.send_signal(with_signal)
        code = self.process.wait(TIMEOUT)
        self.reader.join(TIMEOUT)
        return code


class HostCase(HeddleCase):
    def serve(self, **config):
        """Starts a host and waits until it can be asked; further verbs of this test talk to it. The answer is its process."""
        os.makedirs(self.path("served"), exist_ok=True)
        for name, manifest in PIPELINES.items():
            self.write(f"served/{name}.json", manifest)
        config = {"listen": [{"endpoint": "127.0.0.1:0"}], "pipelines": self.path("served"), "drain_ms": 200, **config}
        host = self.start("serve", "--config", self.write("host.json", config), "--json")
        ready = host.stdout.readline()
        if not ready:
            raise AssertionError(f"the host does not start: {self.finish(host)}")
        self.listeners = json.loads(ready)["listeners"]
        self.url = "http://" + self.listeners[0]["endpoint"]
        return host

    def environment(self, extra=None):
        return super().environment({"HEDDLE_HOST": getattr(self, "url", "http://127.0.0.1:1"), **(extra or {})})

    def stop(self, host, code=OK):
        host.send_signal(signal.SIGTERM)
        self.assertEqual(host.wait(timeout=TIMEOUT), code)

    def submit(self, *arguments):
        """The id of a new job."""
        return int(self.heddle("submit", *arguments).out)

    def job(self, id):
        return json.loads(self.heddle("jobs", "show", str(id), "--json").out)
