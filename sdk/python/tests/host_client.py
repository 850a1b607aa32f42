"""What the tests stand on: a client that says on a TaskStream what the host says."""
import json
import logging
import os
import queue
import sys
import tempfile
import threading
import unittest

import grpc

HERE = os.path.dirname(os.path.abspath(__file__))
SDK = os.path.dirname(HERE)
SOURCE = os.path.dirname(os.path.dirname(SDK))
sys.path.insert(0, SDK)
from heddle_worker import Worker  # noqa: E402
from heddle_worker.protocol import Cancel, Drain, Envelope, TaskAssignment, Version  # noqa: E402

TIMEOUT = 30  # seconds; what takes longer hangs
PATH = "/execution.v1.Execution/TaskStream"


class Stream:
    """One stream. `heard` is everything that came, in order; `next` gives the message, already out of its envelope."""

    def __init__(self, channel, hello=("1.0.0", "1.0.0")):
        self._said = queue.Queue()
        self.call = channel.stream_stream(PATH, response_deserializer=Envelope.FromString)(iter(self._said.get, None), timeout=TIMEOUT)
        self.heard = []
        if hello:
            self.say(hello=Version(min=hello[0], max=hello[1]))

    def say(self, **message):
        self.say_bytes(Envelope(**message).SerializeToString())

    def say_bytes(self, data):
        self._said.put(data)

    def end(self):
        self._said.put(None)

    def next(self):
        envelope = next(self.call)
        what = envelope.WhichOneof("msg")
        self.heard.append((what, getattr(envelope, what)))
        return self.heard[-1]

    def until(self, what, is_it=lambda message: True):
        """The next message of that kind; what comes before it is in `heard`."""
        while True:
            kind, message = self.next()
            if kind == what and is_it(message):
                return message

    def opened(self):
        """Hears the whole greeting."""
        self.until("capacity")
        return self

    def assign(self, activity_id="a", run_id="1", kind="k", inputs=None, **more):
        inputs = [dict(name=name, inline_json=json.dumps(value)) for name, value in (inputs or {}).items()] + more.pop("raw_inputs", [])
        self.say(assign=TaskAssignment(activity_id=activity_id, run_id=run_id, task_kind=kind, inputs=inputs, **more))

    def cancel(self, activity_id="a"):
        self.say(cancel=Cancel(activity_id=activity_id, reason="because"))

    def drain(self):
        self.say(drain=Drain())

    def completion(self, activity_id="a", run_id="1"):
        return self.until("completion", lambda it: (it.activity_id, it.run_id) == (activity_id, run_id))

    def rest(self):
        """Everything until the stream ends well."""
        while True:
            try:
                self.next()
            except StopIteration:
                return self.heard

    def break_off(self):
        self.call.cancel()
        self._said.put(None)


class WorkerCase(unittest.TestCase):
    maxDiff = 4000

    def setUp(self):
        self.worker = Worker("1.2.3")
        self.begun, self.go_on = threading.Semaphore(0), threading.Event()
        self.addCleanup(self.go_on.set)
        folder = tempfile.TemporaryDirectory(prefix="heddle-worker-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        logging.getLogger("heddle_worker").addHandler(logging.NullHandler())
        logging.getLogger("heddle_worker").propagate = False

    def add(self, function, kind="k", **more):
        self.worker.handler(kind, **more)(function)

    def add_waiting(self):
        """A kind "k" that says "begun", waits for `go_on`, and counts its calls."""
        self.calls = []

        def wait(task):
            self.calls.append(task)
            self.begun.release()
            self.go_on.wait(TIMEOUT)
            return {"run": task.run_id}
        self.add(wait)

    def wait_begun(self, times=1):
        for _ in range(times):
            self.assertTrue(self.begun.acquire(timeout=TIMEOUT))

    def start(self, **more):
        self.server = self.worker.start("127.0.0.1:0", **more)
        self.addCleanup(self.server.close)
        self.channel = self.dial()
        return self.server

    def dial(self, credentials=None):
        options = (("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1), ("grpc.use_local_subchannel_pool", 1))
        channel = grpc.secure_channel(self.server.endpoint, credentials, options) if credentials else grpc.insecure_channel(self.server.endpoint, options)
        self.addCleanup(channel.close)
        return channel

    def stream(self, **more):
        stream = Stream(self.channel, **more)
        self.addCleanup(stream.break_off)
        return stream

    def refused(self, code, stream):
        """What the status says with which the stream ends."""
        with self.assertRaises(grpc.RpcError) as caught:
            stream.rest()
        self.assertEqual(caught.exception.code(), code, caught.exception)
        return caught.exception.details()

    def path(self, name):
        return os.path.join(self.folder, name)
