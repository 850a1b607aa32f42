"""What is asked over REST, and how it is answered."""
import json
import re
from http.server import BaseHTTPRequestHandler
from urllib.parse import unquote, urlsplit

from .messages import read_assignment, status
from .outcome import MOST_MESSAGE_BYTES
from .run import Busy, TaskExists
from .task import MOST_NAME, parse_json
from .registry import Refused

IDLE_S = 30.0  # for a connection on which nothing comes
_TASK = re.compile(r"/tasks/([^/]+)/(assign|status|cancel)")


class Requests(BaseHTTPRequestHandler):
    protocol_version, server_version, sys_version, timeout = "HTTP/1.1", "heddle-worker", "", IDLE_S

    def do_GET(self):
        self._route({"status": self._status}, is_health="health")

    def do_POST(self):
        self._route({"assign": self._assign, "cancel": self._cancel})

    def log_message(self, *_):
        pass

    def _route(self, known, is_health=None):
        path = urlsplit(self.path).path
        match = _TASK.fullmatch(path)
        body = self._body()
        if body is None:
            return None
        if path == "/health":
            return self._health() if is_health else self._fail(405, "only GET")
        if not match:
            return self._fail(404, "there are /tasks/{id}/assign, /tasks/{id}/status, /tasks/{id}/cancel and /health")
        name, what = unquote(match.group(1)), match.group(2)
        if what not in known:
            return self._fail(405, "only GET" if what == "status" else "only POST")
        if len(name) > MOST_NAME:
            return self._fail(400, f"an id has at most {MOST_NAME} characters")
        return known[what](name, body)

    def _body(self):
        length = self.headers.get("content-length", "0")
        if "transfer-encoding" in self.headers or not (length.isascii() and length.isdigit()):
            return self._fail(411, "a body needs a Content-Length", is_last=True)
        if int(length[:20]) > MOST_MESSAGE_BYTES:
            return self._fail(413, f"a body has at most {MOST_MESSAGE_BYTES} bytes", is_last=True)
        body = self.rfile.read(int(length))
        return body if len(body) == int(length) else self._fail(400, "the body ended early", is_last=True)

    def _assign(self, name, body):
        table = self.server.table
        try:
            assignment = read_assignment(parse_json(body.decode()), name)
            if not 0 < len(assignment.run_id) <= MOST_NAME:
                raise ValueError(f"an assignment needs a run_id of at most {MOST_NAME} characters")
        except (ValueError, RecursionError) as wrong:
            return self._fail(400, str(wrong) if type(wrong) is ValueError else "the body is not JSON")
        try:
            bound = table.worker.bind(assignment)
        except Refused as why:
            return self._fail(422 if why.understood else 400, str(why))
        try:
            table.add(assignment, bound, self.server.webhook)
        except TaskExists as why:
            return self._fail(409, str(why))
        except Busy as why:
            return self._fail(503, str(why))
        return self._answer(202, {"activity_id": name, "run_id": assignment.run_id})

    def _status(self, name, _):
        with self.server.table.lock:
            run = self.server.table.find(name)
            answer = status(run) if run else None
        return self._answer(200, answer) if answer else self._fail(404, "there is no such task, or it was long ago")

    def _cancel(self, name, _):
        if self.server.table.cancel(name):
            return self._answer(202, {})
        return self._status(name, None)

    def _health(self):
        table = self.server.table
        with table.lock:
            free, state = table.available(), "draining" if table.is_draining else "ok"
        return self._answer(200, {"status": state, "version": table.worker.version, "slots": table.slots, "available_slots": free, "tags": table.worker.tags})

    def _fail(self, code, why, is_last=False):
        self.close_connection = self.close_connection or is_last
        self._answer(code, {"error": why})

    def _answer(self, code, value):
        data = json.dumps(value).encode()
        self.send_response(code)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        if self.close_connection:
            self.send_header("connection", "close")
        self.end_headers()
        self.wfile.write(data)
