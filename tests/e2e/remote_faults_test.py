"""What becomes of the items of a RemotePipeline when networks and other hosts fail, over both transports: one clear failure each, nothing that hangs, nothing lost, nothing done twice in silence."""
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import unittest
from concurrent import futures

import grpc

from grpc_test import pb
from program import DEAD_LETTERS, OK, SOURCE, TIMEOUT, HeddleCase, lines, node, pipeline
from remote_test import Host, dead_endpoint, remote

TRANSPORTS = ("http", "grpc")
TOLD = "it is in there"  # of each item, by the host that runs it: the ledger of these tests
SERVED = {
    "double": pipeline(node("told", "Log", {"message": TOLD}), node("m", "Multiply", {"multiplier": 2})),
    "parts": pipeline(node("told", "Log", {"message": TOLD}), node("s", "Split")),
    "slow": pipeline(node("told", "Log", {"message": TOLD}), node("d", "Delay", {"delay_ms": 300})),
}
KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
MANY = list(range(100_000))  # an answer of more than a megabyte
MID = 50_000  # bytes: in the middle of it


class Proxy:
    """fault_proxy.py before an endpoint."""

    def __init__(self, case, to):
        self.process = subprocess.Popen([sys.executable, f"{SOURCE}/tests/e2e/fault_proxy.py", to], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        case.addCleanup(self.leave)
        self.endpoint = json.loads(self.process.stdout.readline())["endpoint"]

    def strike(self, fault, **how):
        """The figures up to it."""
        self.process.stdin.write(json.dumps({"fault": fault, **how}).encode() + b"\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def leave(self):
        self.process.stdin.close()
        self.process.wait(TIMEOUT)
        self.process.stdout.close()


class Talker:
    """Says to everybody who says something what `speech`, a list or generator of bytes, gives; then it ends the connection."""

    def __init__(self, case, speech):
        self.speech, self.socket = speech, socket.create_server(("127.0.0.1", 0), backlog=64)
        case.addCleanup(self.leave)
        self.endpoint = f"127.0.0.1:{self.socket.getsockname()[1]}"
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()

    def _accept(self):
        while True:
            try:
                peer, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(peer,), daemon=True).start()

    def _talk(self, peer):
        with peer:
            try:
                peer.recv(65536)
                for text in self.speech():
                    peer.sendall(text)
                peer.shutdown(socket.SHUT_WR)
                while peer.recv(65536):
                    pass
            except OSError:
                return  # whoever listened has had enough

    def leave(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join(TIMEOUT)


class Replier(grpc.GenericRpcHandler):
    """A gRPC server whose ExecuteEach gives what `replies` gives: bytes each."""

    def __init__(self, case, replies):
        self.replies = replies
        self.server = grpc.server(futures.ThreadPoolExecutor(8), handlers=[self], options=[("grpc.max_send_message_length", -1)])
        self.endpoint = "127.0.0.1:%d" % self.server.add_insecure_port("127.0.0.1:0")
        self.server.start()
        case.addCleanup(lambda: self.server.stop(0).wait(TIMEOUT))

    def service(self, details):
        if details.method != "/heddle.v1.Host/ExecuteEach":
            return None
        return grpc.unary_stream_rpc_method_handler(lambda _, context: iter(self.replies()))


def http_answer(head, body):
    return lambda: [f"HTTP/1.1 {head}\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body]


def http_lines(lines_of):
    """An answer of lines that go on as long as somebody reads them."""
    def speech():
        yield b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
        for line in lines_of():
            yield f"{len(line):x}\r\n".encode() + line + b"\r\n"
    return speech


def endless(piece):
    def pieces():
        while True:
            yield piece
    return pieces


def reply(*outputs, more=False):
    """What came of the first item, as a message of gRPC."""
    return pb.ExecuteEachReply(results=[pb.ItemResult(item=1, outputs=outputs, more=more)]).SerializeToString()


def time_for(code, is_begun=True):
    """What an item that comes to this is given: no more than it takes to get there, or all that a busy machine may need."""
    return 120_000 if code != "RemoteTimeout" else 3_000 if is_begun else 1_000


class RemoteFaultsCase(HeddleCase):
    def host(self, name="a", params=None, served=None, **config):
        """One that is served by both transports; its `at` says where."""
        listen = [{"transport": t, "endpoint": "127.0.0.1:0", "params": params or {}} for t in TRANSPORTS]
        return Host(self, name, served or SERVED, listen=listen, **config)

    def ask(self, transport, name, at, items, code=OK, retry=None, entry=None, **params):
        """The answer of a run over the pipeline `name` at these endpoints, and its dead letters."""
        node_params = remote(name, *at, transport=transport, retry={"initial_backoff_ms": 1, **(retry or {})}, **params)
        if os.path.exists(self.path("letters")):
            os.remove(self.path("letters"))
        answer = self.run_manifest(pipeline(node("there", "RemotePipeline", node_params, **(entry or {}))), items, "--dead-letters", self.path("letters"), code=code)
        letters = self.read("letters").splitlines() if os.path.exists(self.path("letters")) else []
        return answer, [json.loads(letter) for letter in letters]

    def failure(self, transport, name, at, item, code, error_class, why, **params):
        """What comes out before the item fails. It must fail once, say why and where, and how it was tried."""
        answer, letters = self.ask(transport, name, at, [item], DEAD_LETTERS, **params)
        self.assertEqual(len(letters), 1, letters)
        letter, details = letters[0], letters[0].get("details", {})
        self.assertEqual(letter["item"], item)
        self.assertEqual((letter["code"], letter["class"]), (code, error_class or letter["class"]), letter["message"])
        self.assertRegex(letter["message"], why)
        self.assertNotIn('"attempts"', letter["message"])
        self.assertTrue(any(endpoint in letter["message"] for endpoint in at), letter["message"])
        self.assertEqual(details["code"], code)
        self.assertGreater(len(details["attempts"]), 0)
        for number, attempt in enumerate(details["attempts"], 1):
            self.assertEqual(attempt["number"], number)
            self.assertIn(attempt["endpoint"], at)
            self.assertLessEqual(attempt["took_ms"], details["took_ms"])
        self.assertEqual(letter["attempts"][0]["number"], 1)
        return answer.items

    def each(self, rows, check):
        """Checks every row over both transports. What a row says differently for each is a dict."""
        for transport in TRANSPORTS:
            for row in rows:
                with self.subTest(transport=transport, row=row[0]):
                    check(transport, *(cell[transport] if isinstance(cell, dict) and set(cell) == set(TRANSPORTS) else cell for cell in row))


class RemoteFaults(RemoteFaultsCase):
    def test_who_is_not_there(self):
        rows = (("wrong port", dead_endpoint(), "attempt 3 to .*efused"), ("name", "no-such-host.invalid:1", "attempt 3 to .*no-such-host.invalid"))
        self.each(rows, lambda transport, _, endpoint, why:
                  self.failure(transport, "double", [endpoint], 1, "AllEndpointsFailed", "retryable", why, insecure=True))

    def test_who_speaks_something_else(self):
        host = self.host()
        mail, silent = Talker(self, lambda: [b"220 mail.test ESMTP\r\n"]).endpoint, Talker(self, lambda: []).endpoint
        rows = (("mail", mail, {"http": "does not speak HTTP/1.1: it says .220 mail", "grpc": "no gRPC with"}, "permanent"),
                ("the other transport", {"http": host.at["grpc"], "grpc": host.at["http"]}, {"http": "does not speak HTTP/1.1", "grpc": "no gRPC with"}, "permanent"),
                ("silent", silent, {"http": "ended the connection before it answered", "grpc": "cannot reach .*closed"}, "retryable"))
        self.each(rows, lambda transport, _, endpoint, why, error_class: self.failure(transport, "double", [endpoint], 1, "AllEndpointsFailed", error_class, why))

    def test_faults_of_the_network(self):
        some, all_failed, failed, late = range(1, len(MANY)), "AllEndpointsFailed", "RemoteExecutionFailed", "RemoteTimeout"
        lost, broken = "ended the connection|the connection ended", r"broke off after \d+ ms: .*"
        rows = (  # the fault, what the item comes to, how many results came before, how often it was begun there
            ({"fault": "refuse"}, all_failed, "retryable", f"cannot reach|{lost}", [0], 0),
            ({"fault": "reset"}, all_failed, "retryable", {"http": lost, "grpc": "cannot reach.*reset"}, [0], {"http": 1, "grpc": 0}),
            ({"fault": "half_close"}, all_failed, "retryable", {"http": lost, "grpc": "cannot reach.*closed"}, [0], {"http": 1, "grpc": 0}),
            ({"fault": "garbage"}, all_failed, "permanent", {"http": "does not speak HTTP/1.1", "grpc": "no gRPC"}, [0], {"http": 1, "grpc": 0}),
            ({"fault": "black_hole"}, late, "retryable", r"no answer in time \(\d+ ms\)", [0], 0),
            ({"fault": "reset", "after_bytes": MID}, failed, "retryable", f"{broken}({lost})", some, 1),
            ({"fault": "half_close", "after_bytes": MID}, failed, "retryable", f"{broken}({lost})", some, 1),
            # In the middle of a frame, or of a message: that is up to the network.
            ({"fault": "garbage", "after_bytes": MID}, failed, None, {"http": f"{broken}(not JSON|{lost})", "grpc": f"{broken}(not HTTP/2|{lost}|no heddle.v1)"}, some, 1),
            ({"fault": "black_hole", "after_bytes": MID}, late, "retryable", f"{broken}deadline", some, 1),
            # Whether the first results are through by then is up to how many have gathered.
            ({"fault": "slow", "bytes_per_s": 2000}, late, "retryable", rf"{broken}deadline|no answer in time \(\d+ ms\)", range(len(MANY)), 1))
        host, begun = self.host(), []
        proxies = {t: Proxy(self, host.at[t]) for t in TRANSPORTS}

        def check(transport, fault, code, error_class, why, outputs, ran):
            proxies[transport].strike(**fault)
            begun.append(ran)
            out = self.failure(transport, "parts", [proxies[transport].endpoint], MANY, code, error_class, why, timeout_ms=time_for(code, "black_hole" not in fault.values() or "after_bytes" in fault))
            self.assertIn(len(out), outputs)
            self.assertEqual(out, MANY[:len(out)])
        self.each(rows, check)
        host.process.send_signal(signal.SIGTERM)
        self.assertEqual(host.process.wait(TIMEOUT), OK)
        host.kill()
        self.assertEqual(host.count(TOLD), sum(begun))  # none was begun twice


    def test_replies_that_were_not_asked_for(self):
        text = b'"' + b"x" * (64 << 20) + b'"'
        big = b'{"results":[{"item":1,"outputs":[' + text + b"]}]}\n"
        json_type, lines_type, failed = "Content-Type: application/json", "Content-Type: application/x-ndjson", "RemoteExecutionFailed"
        http = (
            ("an object", http_answer(f"200 OK\r\n{json_type}", b'{"a":1}'), failed, "permanent", 'neither a result nor a failure: ."a":1'),
            ("a page", http_answer("200 OK\r\nContent-Type: text/html", b"<p>hello"), failed, "permanent", "neither a result nor a failure: <p>hello"),
            ("a redirect", http_answer("302 Found\r\nLocation: /", b""), failed, "permanent", "redirect"),
            ("other lines", http_lines(lambda: [b'{"a":1}\n']), failed, "permanent", 'answered what is neither a result nor a failure: ."a":1'),
            ("lines of numbers", http_lines(lambda: [b"1\n"]), failed, "permanent", "neither a result nor a failure: 1"),
            ("another item", http_lines(lambda: [b'{"results":[{"item":2}]}\n']), failed, "permanent", 'neither a result nor a failure: .*"item":2'),
            ("no word of the item", http_answer(f"200 OK\r\n{lines_type}", b'{"results":[]}\n'), failed, "permanent", "without a word on this item"),
            ("it is not over", http_answer(f"200 OK\r\n{lines_type}", b'{"results":[{"item":1,"outputs":[],"more":true}]}\n'), failed, "permanent", "without a word on this item"),
            ("over twice", http_lines(lambda: [b'{"results":[{"item":1,"more":true},{"item":1,"failed":[{"message":"no"}]},{"item":1}]}\n']), failed, "permanent", "failed: no"),
            ("no JSON", http_lines(lambda: [b"}\n"]), "AllEndpointsFailed", "permanent", "not JSON"),
            ("64 MiB", http_lines(lambda: [big]), failed, "permanent", "more than the 16777216 bytes"),
            ("a line without end", http_lines(endless(b"x" * 65536)), failed, "permanent", "more than the 16777216 bytes"),
            ("lines without end", http_lines(endless(b'{"results":[{"item":1,"outputs":[7],"more":true}]}\n')), "RemoteTimeout", "retryable", "deadline"),
            ("a head without end", endless(b"x" * 65536), "AllEndpointsFailed", "permanent", "does not speak HTTP"),
            ("a server that is not well", http_answer("500 No", b"out of order"), failed, "permanent", "out of order"))
        overs = (
            ("another message", lambda: [reply(b"7")[:1] + b"\x7f"], "AllEndpointsFailed", "permanent", "no heddle.v1.ExecuteEachReply"),
            ("no JSON", lambda: [reply(b"}")], "AllEndpointsFailed", "permanent", "JSON"),
            ("64 MiB", lambda: [reply(text)], failed, "permanent", "limit"),
            ("results without end", endless(reply(b"7", more=True)), "RemoteTimeout", "retryable", "deadline"))
        for transport, rows, peer in (("http", http, Talker), ("grpc", overs, Replier)):
            for what, replies, code, error_class, why in rows:
                with self.subTest(transport=transport, what=what):
                    self.failure(transport, "double", [peer(self, replies).endpoint], 1, code, error_class, why, timeout_ms=time_for(code))

    def test_an_attempt_that_is_lost_is_made_up_for(self):
        host = self.host()
        for transport in TRANSPORTS:
            with self.subTest(transport=transport):
                proxy = Proxy(self, host.at[transport])
                proxy.strike("refuse", share=0.2)
                breaker = {"failure_threshold": 1000, "failure_percent": 0}
                answer, letters = self.ask(transport, "double", [proxy.endpoint], range(200), None, retry={"max_attempts": 20}, entry={"idempotent": True, "parallel": 4},
                                           circuit_breaker=breaker)
                self.assertEqual(answer.items, [2 * n for n in range(200)])
                self.assertGreater(proxy.strike("none")["struck"], 0)
                for letter in letters:  # its result is here, but not the word that it is over: only on a slow machine, and where others share its connection
                    self.assertEqual(transport, "grpc")
                    self.assertRegex(letter["message"], "broke off")

    def test_large_items_are_not_sent_together(self):
        host = self.host()
        items = [n for _ in range(40) for n in (1, "x" * (1 << 20), 2)]
        for transport in TRANSPORTS:
            with self.subTest(transport=transport):
                answer, letters = self.ask(transport, "parts", [host.at[transport]], [[item] for item in items])
                self.assertEqual(([hash(item) for item in answer.items], letters), ([hash(item) for item in items], []))

    def test_a_token_that_is_not_taken(self):
        tokens = [{"name": "me", "token": "the-right-token", "scopes": ["submit"]}, {"name": "eyes", "token": "the-token-of-another", "scopes": ["read"]}]
        host = self.host(auth={"tokens": tokens})
        rows = (("wrong", {"auth_token": "the-wrong-token"}, "token"), ("none", {}, "token"), ("without the scope", {"auth_token": "the-token-of-another"}, "submit"))
        self.each(rows, lambda transport, _, token, why: self.failure(transport, "double", [host.at[transport]], 1, "RemoteExecutionFailed", "permanent", why, **token))
        for transport in TRANSPORTS:
            self.assertEqual(self.ask(transport, "double", [host.at[transport]], [1], auth_token="the-right-token")[0].items, [2])

    def test_all_of_them_are_gone(self):
        hosts = [self.host(name) for name in ("a", "b")]
        for host in hosts:
            host.kill()
        for transport in TRANSPORTS:
            with self.subTest(transport=transport):
                at = [host.at[transport] for host in hosts]
                why = "".join(f"(?=.*to {endpoint}: .*efused)" for endpoint in at)
                self.failure(transport, "double", at, 1, "AllEndpointsFailed", "retryable", why)

    def test_a_host_that_is_killed_with_items_in_it_loses_none(self):
        for transport in TRANSPORTS:
            with self.subTest(transport=transport):
                hosts = [self.host(f"{transport}-{name}") for name in ("a", "b")]
                params = remote("slow", *[h.at[transport] for h in hosts], transport=transport)
                run = self.start("run", self.write("m.json", pipeline(node("there", "RemotePipeline", params, idempotent=True))), "--input", self.write("in", lines(range(40))),
                                 "--json", "--dead-letters", self.path("letters"))
                hosts[0].wait_until_said(TOLD, times=5)
                hosts[0].process.send_signal(signal.SIGKILL)
                answer = self.finish(run)
                self.assertEqual((answer.code, sorted(answer.items)), (OK, list(range(40))), answer)
                self.assert_balanced(answer.report)


class RemoteTls(RemoteFaultsCase):
    @classmethod
    def setUpClass(cls):
        cls.tls = tempfile.mkdtemp(prefix="heddle-tls-")
        cls.addClassCleanup(shutil.rmtree, cls.tls, True)
        for authority in ("ca", "stranger"):
            cls.openssl("req", "-x509", *KEY, "-days", "2", "-subj", f"/CN={authority}", "-keyout", f"{authority}.key", "-out", f"{authority}.pem")
        cls.certify("server", "ca", "IP:127.0.0.1")
        cls.certify("client", "ca", "DNS:client")
        cls.certify("intruder", "stranger", "DNS:intruder")
        cls.certify("elsewhere", "ca", "DNS:elsewhere.test")
        cls.certify("expired", "ca", "IP:127.0.0.1", days=-1)

    @classmethod
    def openssl(cls, *arguments):
        subprocess.run(["openssl", *arguments], cwd=cls.tls, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    @classmethod
    def certify(cls, name, authority, names, days=2):
        with open(f"{cls.tls}/{name}.ext", "w") as file:
            file.write(f"subjectAltName={names}\n")
        cls.openssl("req", *KEY, "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        cls.openssl("x509", "-req", "-days", str(days), "-in", f"{name}.csr", "-CA", f"{authority}.pem", "-CAkey", f"{authority}.key", "-CAcreateserial",
                    "-extfile", f"{name}.ext", "-out", f"{name}.pem")

    def pem(self, name):
        return f"{self.tls}/{name}.pem"

    def shown(self, name):
        return {"certificate": self.pem(name), "key": f"{self.tls}/{name}.key"}

    def test_three_hosts_in_a_row(self):
        mutual = {"tls": {**self.shown("server"), "client_ca": self.pem("ca")}}
        ours = {"ca": self.pem("ca"), **self.shown("client")}
        for transport in TRANSPORTS:
            with self.subTest(transport=transport):
                last = self.host(f"{transport}-last", mutual)
                there = {transport: remote("double", last.at[transport], transport=transport, tls=ours)}
                middle = self.host(f"{transport}-middle", mutual, {"twice": pipeline(node("r", "RemotePipeline", there[transport]), node("a", "Add", {"addend": 1}))})
                there = remote("twice", middle.at[transport], transport=transport, tls=ours)
                first = self.host(f"{transport}-first", mutual, {"all": pipeline(node("r", "RemotePipeline", there), node("m", "Multiply", {"multiplier": 10}))})
                self.assertEqual(self.ask(transport, "all", [first.at[transport]], [1, 2, 3], tls=ours)[0].items, [30, 50, 70])

    def test_certificates_that_are_not_taken(self):
        ca = {"ca": self.pem("ca")}
        mutual = self.host("mutual", {"tls": {**self.shown("server"), "client_ca": self.pem("ca")}})
        plain = self.host("plain")
        served = {name: self.host(name, {"tls": self.shown(name)}) for name in ("server", "expired", "elsewhere")}
        shut = "untrusted|TLS|ended the connection|cannot reach"
        rows = (("expired", served["expired"], ca, "expired"),
                ("another name", served["elsewhere"], ca, "name"),
                ("unknown authority", served["server"], {"ca": self.pem("stranger")}, "authority|issuer"),
                ("of nobody that the system knows", served["server"], {}, "authority|issuer"),
                ("without a certificate of ours", mutual, ca, shut),
                ("a certificate of ours that is not known", mutual, {**ca, **self.shown("intruder")}, shut),
                ("no TLS there", plain, ca, "TLS"),
                ("no TLS here", served["server"], None, "ended the connection|cannot reach|no gRPC|does not speak"))

        def check(transport, _, host, tls, why):
            more = {} if tls is None else {"tls": tls}
            self.failure(transport, "double", [host.at[transport]], 1, "AllEndpointsFailed", None, why, **more)
        self.each(rows, check)
        for transport in TRANSPORTS:
            for host, tls in ((served["server"], ca), (served["elsewhere"], {**ca, "server_name": "elsewhere.test"}), (mutual, {**ca, **self.shown("client")})):
                self.assertEqual(self.ask(transport, "double", [host.at[transport]], [1], tls=tls)[0].items, [2])


if __name__ == "__main__":
    unittest.main()
