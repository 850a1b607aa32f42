"""An API that gives URLs, for broker_http_test. Usage: broker_api.py TOKEN [CERTIFICATE KEY]: says its port on stdout, and then of each question its object, or that it was wrong.

What it answers depends on the object: a status, or one of the words below; else a URL of that object.
"""
import http.server
import json
import ssl
import sys
import threading
import urllib.parse

NEVER = threading.Event()


def say(line):
    print(line, flush=True)


class Api(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        name = asked.get("object", "")
        well = sorted(asked) == ["lifetime_s", "method", "object"] and asked["method"] in ("GET", "PUT") and self.path == "/v1/grants"
        say(name if well else f"wrong: {self.path} {asked}")
        if self.headers["authorization"] != f"Bearer {sys.argv[1]}":
            return self.answer(401, {"error": "who are you, " + (self.headers["authorization"] or "nobody") + "?"})
        if name.isdigit():
            return self.answer(int(name), {"error": "because of " + self.headers["authorization"]}, [("Location", "/elsewhere")])
        if name == "never":
            NEVER.wait()
        if name == "half":
            self.send_response(200)
            self.send_header("Content-Length", "100")
            self.end_headers()
            self.wfile.write(b"{")
            self.wfile.flush()
            NEVER.wait()
        if name == "gone":
            self.close_connection = True
            return self.connection.close()
        if name == "large":
            return self.answer(200, {"url": "https://s/" + "x" * 200_000})
        if name == "text":
            return self.answer(200, "no object")
        said = {"url": f"https://store.example/{asked['method']}/{urllib.parse.quote(name)}?signature=1&lives={asked['lifetime_s']}"}
        if name == "dated":
            said["expires_unix"] = 4_000_000_000
        return self.answer(200, said)

    do_GET = do_POST

    def answer(self, status, said, fields=()):
        body = json.dumps(said).encode()
        self.send_response(status)
        for field in fields:
            self.send_header(*field)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass  # a client that does not trust it, or went


server = Server(("127.0.0.1", 0), Api)
if len(sys.argv) > 2:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[2], sys.argv[3])
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
say(server.server_address[1])
server.serve_forever()
