"""Drives a running host: what every test of `heddle serve` and of the verbs that talk to it stands on."""
import json
import os
import signal

from program import OK, TIMEOUT, HeddleCase, node, pipeline

UNREACHABLE, TRY_LATER, NOT_ALLOWED = 69, 75, 77

# What the hosts here serve: each is a job type, pipeline/NAME.
PIPELINES = {
    "double": pipeline(node("m", "Multiply", {"multiplier": 2})),
    "slow": pipeline(node("d", "Delay", {"delay_ms": 600_000})),
    "soon": pipeline(node("d", "Delay", {"delay_ms": 300})),
    "never": pipeline(node("a", "Assert", {"min": 1_000_000, "message": "not enough"})),
}


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
