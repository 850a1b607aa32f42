"""An endpoint of a chain that does not always do as it should: between a client and a chain, it looks at every call, and may answer in the chain's place, or not at all.

    endpoint = Endpoint(chain.url)
    endpoint.rule = reject_sends(one_in=20)

A rule is a function of a call ({"method", "params", …}) and of the chain's way to answer it; it gives what is answered: {"result": …} or {"error": …}, None for silence until the client has gone away, or
CUT: the connection breaks. Calls come on several threads, one at a time in a rule.
"""
import json
import random
import threading
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TIMEOUT = 60
CUT = object()


def honest(call, ask):
    return ask(call)


def reject_sends(one_in, message="the transaction pool is busy", seed=1):
    """Of so many transactions one is refused, and never gets to the chain."""
    chance = random.Random(seed)

    def rule(call, ask):
        if call["method"] == "eth_sendRawTransaction" and chance.randrange(one_in) == 0:
            return {"error": {"code": -32000, "message": message}}
        return ask(call)
    return rule


def lose_answers(one_in, method="eth_sendRawTransaction", seed=1):
    """The chain has taken it, and nobody hears of that."""
    chance = random.Random(seed)

    def rule(call, ask):
        answer = ask(call)
        return CUT if call["method"] == method and chance.randrange(one_in) == 0 else answer
    return rule


def swallow_sends(one_in, seed=1):
    """It says that it has taken it, and forgets it."""
    chance = random.Random(seed)

    def rule(call, ask):
        if call["method"] == "eth_sendRawTransaction" and chance.randrange(one_in) == 0:
            return {"result": "0x" + "%064x" % chance.getrandbits(256)}
        return ask(call)
    return rule


def lie_about_nonces(by, block=None):
    """So many more, or fewer, than there are; `block`: only when asked for this one ("latest", "pending")."""
    def rule(call, ask):
        answer = ask(call)
        if call["method"] == "eth_getTransactionCount" and "result" in answer and block in (None, call["params"][1]):
            answer = {**answer, "result": hex(max(0, int(answer["result"], 16) + by))}
        return answer
    return rule


def usurp(account, number=0):
    """Says that somebody else has used this number of the account: nothing has a receipt, and in every block is the other transaction."""
    def rule(call, ask):
        answer = ask(call)
        if call["method"] == "eth_getTransactionReceipt":
            return {"result": None}
        if call["method"] == "eth_getBlockByNumber" and call["params"][1] is True and answer.get("result"):
            other = {"hash": "0x" + 32 * "77", "from": account, "to": account, "nonce": hex(number), "value": "0x0", "input": "0x"}
            answer["result"]["transactions"] = [other]
        return answer
    return rule


def fail_first(method):
    """Does as it should from the second question on."""
    asked = []

    def rule(call, ask):
        if call["method"] == method and not asked:
            asked.append(call)
            return {"error": {"code": -32000, "message": "not yet"}}
        return ask(call)
    return rule


def be_of_chain(chain_id):
    def rule(call, ask):
        return {"result": hex(chain_id)} if call["method"] == "eth_chainId" else {"result": str(chain_id)} if call["method"] == "net_version" else ask(call)
    return rule


def limit_logs(blocks, message="query returned more than 10000 results"):
    """Refuses questions for the events of more blocks than that."""
    def rule(call, ask):
        if call["method"] == "eth_getLogs":
            asked = call["params"][0]
            numbers = [asked.get(k, "") for k in ("fromBlock", "toBlock")]
            if all(n.startswith("0x") for n in numbers) and int(numbers[1], 16) - int(numbers[0], 16) >= blocks:
                return {"error": {"code": -32005, "message": message}}
        return ask(call)
    return rule


def be_behind(blocks):
    """Its newest block is not the newest one, and it knows nothing of what came after it."""
    def rule(call, ask):
        newest = int(ask({"jsonrpc": "2.0", "id": 0, "method": "eth_blockNumber", "params": []})["result"], 16)
        last = max(0, newest - blocks)
        if call["method"] == "eth_blockNumber":
            return {"result": hex(last)}
        params = [hex(last) if p in ("latest", "pending", "safe", "finalized") else p for p in call.get("params", [])]
        answer = ask({**call, "params": params})
        found = answer.get("result")
        number = found.get("blockNumber", found.get("number")) if isinstance(found, dict) else None
        return {"result": None} if number and int(number, 16) > last else answer
    return rule


def be_silent(call, ask):
    return None


def be_dead(call, ask):
    return CUT


class Endpoint:
    def __init__(self, chain_url, rule=honest):
        self.chain_url, self.rule, self.lock, self.calls = chain_url, rule, threading.Lock(), {}
        self.is_over = threading.Event()
        endpoint = self

        class Request(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                answers = [endpoint.answer(call) for call in (body if isinstance(body, list) else [body])]
                if None in answers:
                    endpoint.is_over.wait(TIMEOUT)
                if None in answers or CUT in answers:
                    self.close_connection = True
                    return
                data = json.dumps(answers if isinstance(body, list) else answers[0]).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *args):
                pass

        class Server(ThreadingHTTPServer):
            def handle_error(self, request, client_address):
                pass  # a client that goes away while it is answered

        self.server = Server(("127.0.0.1", 0), Request)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def leave(self):
        self.is_over.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def answer(self, call):
        with self.lock:
            self.calls[call["method"]] = self.calls.get(call["method"], 0) + 1
            said = self.rule(call, self._ask)
        return said if said is None or said is CUT else {"jsonrpc": "2.0", "id": call.get("id"), **{k: said[k] for k in ("result", "error") if k in said}}

    def _ask(self, call):
        request = urllib.request.Request(self.chain_url, data=json.dumps(call).encode(), headers={"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
                return json.loads(answer.read())
        except (urllib.error.URLError, ConnectionError) as error:
            return {"error": {"code": -32000, "message": f"the chain is gone: {error}"}}
