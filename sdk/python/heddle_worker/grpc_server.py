"""The worker as a gRPC server: /execution.v1.Execution/TaskStream."""
import threading
from concurrent import futures

import grpc
from google.protobuf.message import DecodeError

from . import address as addresses
from .outcome import MOST_MESSAGE_BYTES
from .protocol import METHOD, SERVICE, Envelope
from .stream import Stream, StreamFault
from .task_table import TaskTable

_LAST_WORDS_S = 2.0   # for what has been said to reach the host, at the end
_CANCELLED_S = 1.0    # for handlers to notice that they are cancelled, at the end
_OPTIONS = (
    ("grpc.max_receive_message_length", MOST_MESSAGE_BYTES), ("grpc.max_send_message_length", MOST_MESSAGE_BYTES),
    ("grpc.so_reuseport", 0),  # two workers on one port would share what comes
    ("grpc.keepalive_time_ms", 20_000), ("grpc.keepalive_timeout_ms", 10_000), ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
)


class GrpcServer:
    """Serves from its construction until `drain` or `close`. Two threads per stream, one per task in hand. May be used from any thread.

    ValueError: the address, or plain text where others could read it; OSError: it cannot be had, or a certificate cannot be read.
    """

    def __init__(self, worker, address, slots=1, tls=None, insecure=False, limits=None):
        host, port = addresses.split(address)
        tls = addresses.tls_of(tls)
        addresses.check_plain(host, tls, insecure)
        contents = tls.contents() if tls else None
        self._table = TaskTable(worker, slots, limits)
        most = self._table.limits.streams
        self._fewer, self._open = threading.Condition(), 0  # streams of which not everything has been sent
        self._pool = futures.ThreadPoolExecutor(most, thread_name_prefix="heddle-worker-stream")
        self._server = grpc.server(self._pool, options=_OPTIONS, maximum_concurrent_rpcs=most)
        # Bytes come in, so that what cannot be read is answered in our words.
        method = grpc.stream_stream_rpc_method_handler(self._answers, response_serializer=Envelope.SerializeToString)
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, {METHOD: method}),))
        try:
            port = self._bind(addresses.join(host, port), contents)
        except BaseException:
            self._table.close()
            raise
        self.endpoint = addresses.join(host, port)  # with the port that it has got
        self._server.start()

    def drain(self, grace=30.0):
        """Takes nothing new, waits for what is in hand at most `grace` seconds, cancels the rest, and ends. Whether everything came to its end in time."""
        self._table.drain()
        is_done = self._table.wait_until_idle(grace)
        if not is_done:
            self._table.cancel_all()
            self._table.wait_until_idle(_CANCELLED_S)
        self.close()
        return is_done

    def close(self):
        """Ends at once: what is in hand fails. Once it returns, the port is free, and no thread of the server is left but handlers that do not notice that they are cancelled."""
        self._table.close()
        with self._fewer:
            self._fewer.wait_for(lambda: not self._open, _LAST_WORDS_S)
        self._server.stop(None).wait()  # with a grace it would also wait for the other side to close its connection
        self._pool.shutdown()

    def _bind(self, endpoint, contents):
        port = 0
        try:
            if contents:
                key, chain, authority = contents
                port = self._server.add_secure_port(endpoint, grpc.ssl_server_credentials([(key, chain)], authority, require_client_auth=authority is not None))
            else:
                port = self._server.add_insecure_port(endpoint)
        except RuntimeError:
            pass  # newer versions raise, older ones say 0
        if not port:
            raise OSError(f"cannot listen on {endpoint}: it is taken, or not of this machine, or the certificate and its key are none")
        return port

    def _answers(self, requests, context):
        stream = Stream(self._table)
        with self._fewer:
            self._open += 1
        if not context.add_callback(lambda: self._left(stream)):
            self._left(stream)
        threading.Thread(target=_listen, args=(stream, requests, context), name="heddle-worker-reader", daemon=True).start()
        try:
            while (answer := stream.next_answer()) is not None:
                yield answer
        except StreamFault as fault:
            context.abort(grpc.StatusCode[fault.code], str(fault))
        finally:
            stream.over()

    def _left(self, stream):
        stream.over()
        with self._fewer:
            self._open -= 1
            self._fewer.notify_all()


def _listen(stream, requests, context):
    fault = None
    try:
        for data in requests:
            stream.hear(Envelope.FromString(data))
    except StreamFault as wrong:
        fault = wrong
    except DecodeError:
        fault = StreamFault("INVALID_ARGUMENT", "what came is not an Envelope of execution.v1")
    except Exception:  # the library's own word for a broken stream
        stream.over()
    if fault is None and not context.is_active():
        stream.over()
    stream.end_of_requests(fault)
