"""The worker over REST: every answer that there is."""
import base64
import http.client
import json
import socket
import ssl
import subprocess
import sys
import threading
import unittest
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import quote

from host_client import SDK, TIMEOUT, WorkerCase
from heddle_worker import SKIPPED, Limits, Ref

SPEC = {"task_kind": "k", "task_version": "1.0.0", "inputs": [{"name": "n", "type": "int"}]}


class RestCase(WorkerCase):
    def start(self, **more):
        self.server = self.worker.start_rest("127.0.0.1:0", **more)
        self.addCleanup(self.server.close)
        self.http = http.client.HTTPConnection(self.server.endpoint, timeout=TIMEOUT)
        self.addCleanup(self.http.close)

    def ask(self, method, path, body=None, headers=None):
        """(code, the JSON that came)."""
        self.http.request(method, path, body if body is None or isinstance(body, bytes) else json.dumps(body).encode(), headers or {})
        answer = self.http.getresponse()
        return answer.status, json.loads(answer.read())

    def assign(self, name="a", run_id="1", kind="k", **more):
        return self.ask("POST", f"/tasks/{quote(name, safe='')}/assign", {"run_id": run_id, "task_kind": kind, **more})

    def status(self, name="a"):
        return self.ask("GET", f"/tasks/{quote(name, safe='')}/status")[1]

    def ended(self, name="a"):
        table = self.server._table  # a host would ask again and again
        with table.lock:
            self.assertTrue(table._changed.wait_for(lambda: (run := table.find(name)) and run.outcome, TIMEOUT))
        return self.status(name)


class Rest(RestCase):
    def test_a_task_is_done(self):
        def work(task):
            task.progress(30, "so far", checkpoint="c")
            self.begun.release()
            self.go_on.wait(TIMEOUT)
            return {"got": task.inputs["data"].decode(), "n": task.inputs["n"]}
        self.add(work)
        self.start()
        inputs = [{"name": "data", "inline_bytes": base64.b64encode(b"bytes").decode()}, {"name": "n", "inline_json": "[1]"}]
        self.assertEqual(self.assign("a/b/c", inputs=inputs), (202, {"activity_id": "a/b/c", "run_id": "1"}))
        self.wait_begun()
        state = self.status("a/b/c")
        self.assertEqual((state["status"], state["progress"], state["message"], state["checkpoint_ref"]), ("running", 30, "so far", "c"))
        self.go_on.set()
        state = self.ended("a/b/c")
        self.assertEqual((state["status"], state["error"], json.loads(base64.b64decode(state["result_inline"]))), ("completed", "", {"got": "bytes", "n": [1]}))

    def test_how_tasks_end(self):
        def fail(task):
            raise ValueError("no")
        self.add(fail, "fail")
        self.add(lambda task: Ref("s3://x"), "ref")
        self.add(lambda task: SKIPPED, "skip")
        self.start(slots=3)
        for kind in ("fail", "ref", "skip"):
            self.assertEqual(self.assign(kind, kind=kind)[0], 202)
        states = {kind: self.ended(kind) for kind in ("fail", "ref", "skip")}
        self.assertEqual((states["fail"]["status"], states["fail"]["error"]), ("failed", "ValueError: no"))
        self.assertEqual((states["ref"]["status"], states["ref"]["result_ref"]), ("completed", "s3://x"))
        self.assertEqual((states["skip"]["status"], states["skip"]["skipped"]), ("completed", True))

    def test_what_is_there_already_is_a_conflict(self):
        self.add_waiting()
        self.start(slots=2)
        self.assertEqual(self.assign()[0], 202)
        self.assertEqual(self.assign()[0], 409)
        self.assertEqual(self.assign(run_id="2")[0], 409)  # while an earlier run is in hand
        self.go_on.set()
        self.assertEqual(self.ended()["status"], "completed")
        self.assertEqual(self.assign()[0], 409)
        self.assertEqual(self.assign(run_id="2")[0], 202)
        self.assertEqual(json.loads(base64.b64decode(self.ended()["result_inline"])), {"run": "2"})

    def test_what_is_not_understood_is_400(self):
        self.add(lambda task: 1)
        self.start()
        for body in (b"{", b"\xff", b"[]", b"[" * 100_000, b"NaN", {}, {"run_id": "1", "task_kind": 5}, {"run_id": "1", "task_kind": "k", "activity_id": "other"},
                     {"run_id": "x" * 2000, "task_kind": "k"}, {"run_id": "1", "task_kind": "k", "inputs": [5]}, {"run_id": "1", "task_kind": "k", "inputs": [{"name": "n", "inline_bytes": "*"}]},
                     {"run_id": "1", "task_kind": "k", "inputs": [{"name": "n", "inline_json": "{"}]}, {"run_id": "1", "task_kind": "k", "soft_deadline_unix": 1 << 70},
                     {"run_id": "1", "task_kind": "k", "task_version": "new"}):
            code, answer = self.ask("POST", "/tasks/a/assign", body)
            self.assertEqual((code, list(answer)), (400, ["error"]), body)
        self.assertEqual(self.ask("POST", f"/tasks/{'x' * 1001}/assign", {"run_id": "1", "task_kind": "k"})[0], 400)
        self.assertEqual(self.ask("GET", "/tasks/a/status")[0], 404)

    def test_what_does_not_fit_is_422(self):
        calls = []
        self.add(calls.append, spec=SPEC)
        self.start()
        self.assertEqual(self.assign(inputs=[{"name": "n", "inline_json": '"x"'}]), (422, {"error": 'activity "k": /n: must be int, not a text of 1 character'}))
        self.assertEqual(self.assign(kind="other")[0], 422)
        self.assertEqual(calls, [])
        self.assertEqual(self.assign(inputs=[{"name": "n", "inline_json": "1"}])[0], 202)

    def test_the_rest_of_the_answers(self):
        self.add_waiting()
        self.start()
        self.assertEqual(self.assign("a")[0], 202)
        self.assertEqual(self.assign("b"), (503, {"error": "no slot is free: all 1 are taken"}))
        health = self.ask("GET", "/health")
        self.assertEqual(health, (200, {"status": "ok", "version": "1.2.3", "slots": 1, "available_slots": 0, "tags": ["k"]}))
        for method, path, code in (("GET", "/tasks/none/status", 404), ("POST", "/tasks/none/cancel", 404), ("GET", "/", 404), ("POST", "/health", 405), ("GET", "/tasks/a/assign", 405),
                                   ("POST", "/tasks/a/status", 405)):
            self.assertEqual(self.ask(method, path)[0], code, path)
        self.go_on.set()
        self.ended("a")
        self.assertEqual(self.assign("b")[0], 202)  # what was refused for want of a slot may come again

    def test_a_body_has_its_limits(self):
        self.start()
        self.assertEqual(self.ask("POST", "/tasks/a/assign", headers={"content-length": str((64 << 20) + 1)})[0], 413)
        self.assertEqual(self.ask("POST", "/tasks/a/assign", headers={"content-length": "-1"})[0], 411)
        self.assertEqual(self.ask("POST", "/tasks/a/assign", headers={"transfer-encoding": "chunked"})[0], 411)

    def test_cancel(self):
        def obey(task):
            task.cancelled.wait(TIMEOUT)
            task.check()
        self.add(obey)
        self.start()
        self.assign()
        self.assertEqual(self.ask("POST", "/tasks/a/cancel", {"reason": "because"})[0], 202)
        state = self.ended()
        self.assertEqual((state["status"], state["error"]), ("failed", "cancelled"))
        self.assertEqual(self.ask("POST", "/tasks/a/cancel")[1], state)

    def test_completions_are_posted(self):
        heard, done = [], threading.Event()

        class Host(BaseHTTPRequestHandler):
            def do_POST(self):
                heard.append((self.path, json.loads(self.rfile.read(int(self.headers["content-length"])))))
                self.send_response(204)
                self.end_headers()
                done.set()

            def log_message(self, *_):
                pass
        host = HTTPServer(("127.0.0.1", 0), Host)
        self.addCleanup(host.server_close)
        threading.Thread(target=host.serve_forever, daemon=True).start()
        self.addCleanup(host.shutdown)
        self.add(lambda task: 7)
        self.start(callback=f"http://127.0.0.1:{host.server_port}/at/")
        self.assign("a b")
        self.assertTrue(done.wait(TIMEOUT))
        self.assertEqual(heard, [("/at/tasks/a%20b/complete", {"activity_id": "a b", "run_id": "1", "status": "SUCCESS", "result_ref": "", "result_inline": "Nw==", "error": ""})])
        self.assertRaises(ValueError, self.worker.start_rest, "127.0.0.1:0", callback="file:///etc/passwd")

    def test_tls(self):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=here", "-addext",
                        "subjectAltName=IP:127.0.0.1", "-keyout", self.path("key.pem"), "-out", self.path("cert.pem")], check=True, stderr=subprocess.DEVNULL)
        self.start(tls=(self.path("cert.pem"), self.path("key.pem")))
        host, port = self.server.endpoint.split(":")
        silent = socket.create_connection((host, int(port)))  # who does not shake hands holds up nobody
        self.addCleanup(silent.close)
        self.http = http.client.HTTPSConnection(host, int(port), timeout=TIMEOUT, context=ssl.create_default_context(cafile=self.path("cert.pem")))
        self.addCleanup(self.http.close)
        self.assertEqual(self.ask("GET", "/health")[0], 200)

    def test_connections_are_bounded(self):
        self.start(limits=Limits(streams=1))
        self.assertEqual(self.ask("GET", "/health")[0], 200)  # and it stays open
        other = http.client.HTTPConnection(self.server.endpoint, timeout=TIMEOUT)
        self.addCleanup(other.close)
        with self.assertRaises((http.client.RemoteDisconnected, ConnectionError)):
            other.request("GET", "/health")
            other.getresponse()

    def test_it_needs_neither_grpc_nor_protobuf(self):
        code = ("import sys; sys.modules.update({'grpc': None, 'google': None, 'google.protobuf': None, 'yaml': None}); import heddle_worker; "
                "heddle_worker.Worker().start_rest('127.0.0.1:0').close()")
        subprocess.run([sys.executable, "-c", code], check=True, cwd=SDK, timeout=TIMEOUT)


if __name__ == "__main__":
    unittest.main()
