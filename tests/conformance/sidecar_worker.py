"""Workers for sidecar_test. Usage: sidecar_worker.py least|whole PORT: says its port on stdout when it serves.

least: no more than the protocol asks for: hello_ack, and one completion for each assignment, one after the other; as workers in the field are. whole: the SDK.
"""
import logging
import sys
import threading
from concurrent import futures

import grpc
from heddle_worker import Worker
from heddle_worker.protocol import METHOD, SERVICE, Completion, Envelope, Version


def least(port):
    def stream(said, _):
        for one in said:
            if one.WhichOneof("msg") == "hello":
                yield Envelope(hello_ack=Version(min="1.0.0", max="1.0.0"))
            elif one.WhichOneof("msg") == "assign":
                task = one.assign
                yield Envelope(completion=Completion(activity_id=task.activity_id, run_id=task.run_id, status="SUCCESS", result_inline=task.inputs[0].inline_json.encode()))
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=16))
    handler = grpc.stream_stream_rpc_method_handler(stream, Envelope.FromString, Envelope.SerializeToString)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, {METHOD: handler}),))
    port = server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    print(port, flush=True)
    server.wait_for_termination()


def whole(port):
    worker = Worker(version="1.0.0")

    @worker.handler("echo")
    def echo(task):
        return task.inputs["item"]

    @worker.handler("fail")
    def fail(task):
        raise ValueError(f"cannot do {task.inputs['item']}")

    @worker.handler("flood")
    def flood(task):
        for i in range(2000):
            task.progress(i // 20, f"step {i}")
        return {}

    @worker.handler("wait")
    def wait(task):
        task.progress(1)
        task.cancelled.wait(600)
        task.check()

    server = worker.start(f"127.0.0.1:{port}", slots=16)
    print(server.endpoint.rpartition(":")[2], flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    logging.disable()  # what handlers raise is meant
    {"least": least, "whole": whole}[sys.argv[1]](sys.argv[2])
