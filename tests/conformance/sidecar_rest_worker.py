"""Workers for sidecar_rest_test. Usage: sidecar_rest_worker.py least|whole PORT [CALLBACK] [CERTIFICATE KEY CLIENT_CA]: says its port on stdout when it serves.

least: no more than assign and status, over HTTP/1.0, and says nothing of itself; as workers in the field are. whole: the SDK.
"""
import base64
import json
import logging
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from heddle_worker import Worker

NEVER = threading.Event()


class Least(BaseHTTPRequestHandler):
    tasks = {}

    def do_POST(self):
        _, where, name, what = self.path.split("/")
        said = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if where != "tasks" or what != "assign":
            return self.answer(404, b"no such page")
        kind = said["task_kind"]
        if kind == "bad":
            return self.answer(400, b"what is this?")
        if name in self.tasks:
            return self.answer(409, b"exists")
        self.tasks[name] = [kind, said["inputs"][0]["inline_json"], 0]
        if kind == "unanswered":
            return self.connection.close()
        return self.answer(202, b"")

    def do_GET(self):
        if not self.path.endswith("/status"):
            return self.answer(404, b"no such page")
        name = self.path.split("/")[2]
        task = self.tasks.get(name)
        if not task:
            return self.answer(404, b"no such task")
        kind, item, asked = task
        task[2] += 1
        if kind == "forget":
            del self.tasks[name]
        if kind == "garbage" and asked < 3:
            return self.answer(200, (b"<html>", b"[1]", b"\xff{")[asked])
        if kind == "hang" and asked == 0:
            NEVER.wait(600)
        if kind in ("wait", "forget"):
            return self.tell(status="running", progress=1)
        if asked == 0:
            return self.tell(status="pending", progress=0)
        return self.tell(status="completed", result_inline=base64.b64encode(item.encode()).decode())

    def tell(self, **said):
        self.answer(200, json.dumps(said).encode())

    def answer(self, code, body):
        self.send_response(code)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def least(port):
    ThreadingHTTPServer.request_queue_size = 128
    server = ThreadingHTTPServer(("127.0.0.1", int(port)), Least)
    print(server.server_address[1], flush=True)
    server.serve_forever()


def whole(port, callback="", certificate="", key="", client_ca=""):
    worker = Worker(version="1.0.0")

    @worker.handler("echo")
    def echo(task):
        return task.inputs["item"]

    @worker.handler("fail")
    def fail(task):
        raise ValueError(f"cannot do {task.inputs['item']}")

    @worker.handler("big")
    def big(task):
        return bytes(task.inputs["item"])

    @worker.handler("wait")
    def wait(task):
        task.progress(1)
        task.cancelled.wait(600)
        task.check()

    @worker.handler("stubborn")
    def stubborn(task):
        task.cancelled.wait(600)
        NEVER.wait(1)  # and then some more

    tls = {"certificate": certificate, "key": key, "client_ca": client_ca} if certificate else None
    server = worker.start_rest(f"127.0.0.1:{port}", slots=4, callback=callback or None, tls=tls)
    print(server.endpoint.rpartition(":")[2], flush=True)
    NEVER.wait()


if __name__ == "__main__":
    logging.disable()  # what handlers raise is meant
    {"least": least, "whole": whole}[sys.argv[1]](*sys.argv[2:])
