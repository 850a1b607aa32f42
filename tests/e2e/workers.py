"""Worker processes for the tests of sidecars. As a program: `workers.py whole|least PORT JOURNAL`: a worker that notes in JOURNAL, one line at a time, which run it begins and which it ends.

whole: the library of sdk/python, 4 slots. least: no more than the protocol asks for, one task after the other on each stream, as workers in the field are.
"""
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time

SCRIPT = os.path.abspath(__file__)
PYTHON = "/usr/bin/python3"  # the one that has Debian's grpcio


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class WorkerProcess:
    """A worker at a port of its own, which stays the same when it is started again."""

    def __init__(self, case, how="whole", command=None, port=None, tls=None):
        self.port = port or free_port()
        self.endpoint = f"127.0.0.1:{self.port}"
        self.journal = case.path(f"journal-{self.port}")
        self.how, self.command, self.killed = how, command, {}
        self.tls = tls  # as the library takes it
        self.source = os.environ["HEDDLE_SOURCE"]
        case.addCleanup(self.kill)
        self.process = None

    def start(self):
        command = self.command or [PYTHON, SCRIPT, self.how]
        environment = {**os.environ, "PYTHONPATH": f"{self.source}/sdk/python", "PYTHONDONTWRITEBYTECODE": "1"}
        if self.tls:
            environment["WORKER_TLS"] = json.dumps(self.tls)
        self.process = subprocess.Popen([*command, str(self.port), self.journal], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment)
        return self

    def wait(self):
        """Until it serves."""
        if not self.process.stdout.readline():
            raise AssertionError("the worker does not start")
        return self

    def kill(self):
        """kill -9. What it has in hand is gone."""
        if self.process is None:
            return
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.killed[self.process.pid] = time.monotonic()
        self.process = None

    def stop(self, signal_number=signal.SIGSTOP):
        self.process.send_signal(signal_number)

    def runs(self):
        """What it noted: {"activity", "run", "pid", "begin", "end"}: end None: it never came to it."""
        open_, all_ = {}, []
        try:
            with open(self.journal, encoding="utf-8") as file:
                entries = [json.loads(line) for line in file]
        except FileNotFoundError:
            return []
        for what, activity, run, pid, at in entries:
            if what == "begin":
                open_[activity, run, pid] = one = {"activity": activity, "run": run, "pid": pid, "begin": at, "end": None}
                all_.append(one)
            else:
                open_[activity, run, pid]["end"] = at
        for one in all_:
            one["over"] = one["end"] or self.killed.get(one["pid"])
        return all_


class Journal:
    def __init__(self, path):
        self.path = path
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def note(self, what, task):
        os.write(self._file, (json.dumps([what, task.activity_id, task.run_id, os.getpid(), time.monotonic()]) + "\n").encode())


def whole(port, journal):
    import urllib.request

    from heddle_worker import SKIPPED, Ref, Worker
    worker = Worker(version="1.0.0")

    def handler(kind):
        def add(function):
            def noted(task):
                journal.note("begin", task)
                try:
                    return function(task)
                finally:
                    journal.note("end", task)
            return worker.handler(kind)(noted)
        return add

    @handler("echo")
    def echo(task):
        return task.inputs["item"]

    @handler("some")
    def some(task):
        time.sleep(random.random() / 5)
        return {"n": task.inputs["item"]}

    @handler("fail")
    def fail(task):
        raise ValueError(f"cannot do {task.inputs['item']}")

    @handler("skip")
    def skip(task):
        return SKIPPED

    @handler("large")
    def large(task):
        return "x" * task.inputs["item"]

    @handler("steps")
    def steps(task):
        for n in range(int(task.checkpoint or 0), 4):
            task.progress(25 * n, f"step {n}", checkpoint=str(n))
            if n == 2 and not task.checkpoint:
                raise ValueError("it broke in the middle")
        return {"from": task.checkpoint}

    @handler("wait")
    def wait(task):
        task.progress(1, "it waits")
        task.cancelled.wait(600)
        task.check()

    @handler("wait_once")
    def wait_once(task):
        if task.run_id == "1":
            task.cancelled.wait(600)
            task.check()

    @handler("shout")
    def shout(task):
        with open(journal.path + ".given", "a", encoding="utf-8") as file:
            file.write(json.dumps([str(task.inputs["text"]), task.upload_prefix, dict(os.environ)]) + "\n")
        with urllib.request.urlopen(task.inputs["text"], timeout=60) as answer:
            text = answer.read()
        with urllib.request.urlopen(urllib.request.Request(task.upload_prefix, data=text.upper(), method="PUT"), timeout=60):
            return Ref(task.upload_prefix)

    @handler("say")
    def say(task):
        print(task.inputs["item"], flush=True)

    @handler("die")
    def die(task):
        print("that is too much for me", file=sys.stderr, flush=True)
        os._exit(7)

    @handler("hoard")
    def hoard(task):
        kept = []
        while not task.cancelled.wait(0.01):
            kept.append(b"x" * (8 << 20))

    @handler("stubborn")
    def stubborn(task):
        time.sleep(2)
        return "late"

    server = worker.start(f"127.0.0.1:{port}", slots=4, tls=json.loads(os.environ.get("WORKER_TLS", "null")))
    print(server.endpoint, flush=True)
    threading.Event().wait()


def rest(port, journal):
    """The library over REST."""
    from heddle_worker import Worker
    worker = Worker(version="1.0.0")

    @worker.handler("echo")
    def echo(task):
        journal.note("begin", task)
        journal.note("end", task)
        return task.inputs["item"]

    server = worker.start_rest(f"127.0.0.1:{port}", slots=4)
    print(server.endpoint, flush=True)
    threading.Event().wait()


def other(port, journal):
    """Speaks something else: HTTP/1.1."""
    import http.server
    server = http.server.HTTPServer(("127.0.0.1", port), http.server.SimpleHTTPRequestHandler)
    print(port, flush=True)
    server.serve_forever()


def newer(port, journal):
    """Versions of the protocol that the host does not speak."""
    from heddle_worker import protocol
    protocol.VERSIONS = ("2.0.0", "2.3.0")
    whole(port, journal)


def least(port, journal):
    from concurrent import futures

    import grpc
    from heddle_worker.protocol import METHOD, SERVICE, Completion, Envelope, Version

    def stream(said, _):
        for one in said:
            if one.WhichOneof("msg") == "hello":
                yield Envelope(hello_ack=Version(min="1.0.0", max="1.0.0"))
            elif one.WhichOneof("msg") == "assign":
                task = one.assign
                journal.note("begin", task)
                time.sleep(2)
                journal.note("end", task)
                yield Envelope(completion=Completion(activity_id=task.activity_id, run_id=task.run_id, status="SUCCESS", result_inline=task.inputs[0].inline_json.encode()))
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=128))
    handler = grpc.stream_stream_rpc_method_handler(stream, Envelope.FromString, Envelope.SerializeToString)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, {METHOD: handler}),))
    server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    print(port, flush=True)
    server.wait_for_termination()


if __name__ == "__main__":
    import logging
    logging.disable()  # what handlers raise is meant
    {"least": least, "newer": newer, "other": other, "rest": rest, "whole": whole}[sys.argv[1]](int(sys.argv[2]), Journal(sys.argv[3]))
