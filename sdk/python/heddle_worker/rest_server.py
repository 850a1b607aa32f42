"""The worker over REST, by http.server: /tasks/{id}/assign, /tasks/{id}/status, /tasks/{id}/cancel, /health."""
import logging
import socket
import ssl
import threading
from http.server import ThreadingHTTPServer

from . import address as addresses
from .rest_requests import IDLE_S, Requests
from .task_table import TaskTable
from .webhook import Webhook

log = logging.getLogger("heddle_worker")
_CANCELLED_S = 1.0   # for handlers to notice that they are cancelled, at the end
_POSTED_S = 5.0      # for completions to be posted, at the end


class RestServer:
    """Serves from its construction until `drain` or `close`. One thread per connection, one per task in hand. May be used from any thread.

    ValueError: the address or the callback, or plain text where others could read it; OSError: the address cannot be had, or a certificate is none.
    """

    def __init__(self, worker, address, slots=1, tls=None, insecure=False, limits=None, callback=None):
        host, port = addresses.split(address)
        tls = addresses.tls_of(tls)
        addresses.check_plain(host, tls, insecure)
        context = _context(tls) if tls else None
        self._table = TaskTable(worker, slots, limits)
        self._webhook = None
        try:
            self._webhook = Webhook(callback) if callback else None
            self._server = _Connections((host, port), self._table, self._webhook, context)
        except BaseException:
            self._end_table()
            raise
        self.endpoint = addresses.join(host, self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, args=(None,), name="heddle-worker-rest", daemon=True)
        self._thread.start()

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
        """Ends at once: what is in hand fails."""
        self._end_table()
        if self._thread.is_alive():
            self._server.socket.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits for connections
            self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _end_table(self):
        self._table.close()
        if self._webhook:
            self._webhook.close(_POSTED_S)


def _context(tls):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(tls.certificate, tls.key)
    if tls.client_ca:
        context.load_verify_locations(tls.client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


class _Connections(ThreadingHTTPServer):
    daemon_threads, block_on_close, request_queue_size = True, False, 128

    def __init__(self, address, table, webhook, context):
        self.table, self.webhook, self.context = table, webhook, context
        self._free = threading.Semaphore(table.limits.streams)
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, Requests)

    def process_request(self, request, client_address):
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)  # too many at once

    def process_request_thread(self, request, client_address):
        try:
            request.settimeout(IDLE_S)
            if self.context:  # in the connection's own thread: who does not shake hands holds up nobody
                request = self.context.wrap_socket(request, server_side=True)
            super().process_request_thread(request, client_address)
        except OSError:
            self.shutdown_request(request)
        finally:
            self._free.release()

    def handle_error(self, request, client_address):
        log.debug("a connection broke", exc_info=True)
