"""A chain on loopback for tests: anvil or hardhat as a process of its own, asked by JSON-RPC.

The tools are where `install` has put them: HEDDLE_CHAIN_TOOLS. Accounts and keys are those that both chains are born with; everybody knows them.
"""
import itertools
import json
import os
import re
import signal
import subprocess
import threading
import time
import urllib.request

TOOLS = os.environ.get("HEDDLE_CHAIN_TOOLS", "")
ANVIL = os.path.join(TOOLS, "node_modules", ".bin", "anvil")
TIMEOUT = 120  # seconds; a chain that takes longer hangs
CHAIN_ID = 31337
KEYS = ["0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80", "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
        "0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a"]


def why_not():
    """Why there can be no chain here, in words for a skipped test; None: there can."""
    if not TOOLS or not os.path.exists(os.path.join(TOOLS, "installed")):
        return "the chains of the tests are not installed: tests/chain/install FOLDER, and HEDDLE_CHAIN_TOOLS=FOLDER"
    if not os.path.exists(ANVIL):
        return "anvil is not there for a machine such as this one"
    return None


class RpcError(Exception):
    """What the chain answers instead of a result; `data` is what a contract gave with its revert, "0x…" or None."""

    def __init__(self, method, error):
        super().__init__(f"{method}: {error.get('message')}")
        data = error.get("data")
        self.code, self.data = error.get("code"), data.get("data") if isinstance(data, dict) else data


class Chain:
    """A running chain. It ends with the test, by `leave`; a port that it has had it gets again."""

    def __init__(self, command, folder, env=None):
        """`command`, with {port} in it."""
        self.command, self.folder, self.env, self.port = command, folder, env or {}, 0
        self.ids = itertools.count(1)
        self.start()

    @classmethod
    def anvil(cls, folder, *options, block_time=0.1, state=None):
        """`block_time` in seconds; None: blocks come by `mine` only; "auto": with each transaction. `state`: a file that the chain is read from, and written to when it is stopped."""
        blocks = {None: ["--no-mining"], "auto": []}.get(block_time, ["--block-time", str(block_time)])
        kept = ["--state", state, "--preserve-historical-states"] if state else []
        return cls([ANVIL, "--port", "{port}", "--chain-id", str(CHAIN_ID), *blocks, *kept, *options], folder)

    @classmethod
    def hardhat(cls, folder, block_time=0.1, **settings):
        """`settings` are of the network "hardhat" in its configuration."""
        mining = {None: {"auto": False, "interval": 0}, "auto": {"auto": True}}.get(block_time) or {"auto": False, "interval": int(block_time * 1000)}
        config = os.path.join(folder, "hardhat.config.js")
        with open(config, "w") as file:
            file.write("module.exports = " + json.dumps({"solidity": "0.8.28", "networks": {"hardhat": {"chainId": CHAIN_ID, "mining": mining, **settings}}}))
        program = os.path.join(TOOLS, "node_modules", "hardhat", "internal", "cli", "bootstrap.js")
        return cls(["node", program, "--config", config, "node", "--hostname", "127.0.0.1", "--port", "{port}"], folder,
                   {"HOME": folder, "HARDHAT_DISABLE_TELEMETRY_PROMPT": "true", "NO_COLOR": "1"})

    # --- The process ---

    def start(self):
        command = [word.format(port=self.port) for word in self.command]
        cwd = TOOLS if command[0] == "node" else self.folder  # hardhat runs only where it is installed
        self.process = subprocess.Popen(command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={**os.environ, **self.env})
        self.said, self.is_up = [], threading.Event()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        if not self.is_up.wait(TIMEOUT) or not self.port:
            self.leave()
            raise AssertionError("the chain does not start:\n" + "".join(self.said))
        self.url = f"http://127.0.0.1:{self.port}"

    def _read(self):
        listens = re.compile(r"(?:Listening on |server at http://)127\.0\.0\.1:(\d+)")
        for line in self.process.stdout:
            text = line.decode("utf-8", "replace")
            if len(self.said) < 1000:  # it says something of every call
                self.said.append(text)
            found = None if self.is_up.is_set() else listens.search(text)
            if found:
                self.port = int(found.group(1))
                self.is_up.set()
        self.is_up.set()

    def stop(self):
        """Ends it in peace: what `state` names is written."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(TIMEOUT)
        self._reap()

    def kill(self):
        """It dies at once, and everything that it had in memory is lost."""
        self.process.kill()
        self._reap()

    def leave(self):
        if self.process.poll() is None:
            self.process.kill()
        self._reap()

    def _reap(self):
        self.process.wait()
        self.reader.join(TIMEOUT)
        self.process.stdout.close()

    def freeze(self):
        """It takes connections and answers nothing, until `thaw`."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    # --- What can be asked of any ---

    def rpc(self, method, *params):
        [result] = self.rpc_all(method, [params])
        return result

    def rpc_all(self, method, calls, at_once=500):
        """What each of the calls, which are lists of params, is answered."""
        results = []
        for first in range(0, len(calls), at_once):
            asked = [{"jsonrpc": "2.0", "id": next(self.ids), "method": method, "params": list(params)} for params in calls[first:first + at_once]]
            request = urllib.request.Request(self.url, data=json.dumps(asked if len(asked) > 1 else asked[0]).encode(), headers={"Content-Type": "application/json"})
            with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
                said = json.loads(answer.read())
            by_id = {one["id"]: one for one in (said if len(asked) > 1 else [said])}
            for one in (by_id[call["id"]] for call in asked):
                if "error" in one:
                    raise RpcError(method, one["error"])
                results.append(one["result"])
        return results

    def accounts(self):
        return self.rpc("eth_accounts")

    def block_number(self):
        return int(self.rpc("eth_blockNumber"), 16)

    def block(self, number="latest"):
        return self.rpc("eth_getBlockByNumber", number if isinstance(number, str) else hex(number), False)

    def nonce(self, account, block="latest"):
        return int(self.rpc("eth_getTransactionCount", account, block), 16)

    def balance(self, account):
        return int(self.rpc("eth_getBalance", account, "latest"), 16)

    def send(self, transaction):
        """The hash of a transaction from an account of the chain's own."""
        return self.rpc("eth_sendTransaction", transaction)

    def receipt(self, hash):
        return self.rpc("eth_getTransactionReceipt", hash)

    def wait_for(self, condition, what):
        """What `condition` gives as soon as that is something."""
        deadline = time.monotonic() + TIMEOUT
        while True:
            found = condition()
            if found:
                return found
            if time.monotonic() > deadline:
                raise AssertionError(f"never came: {what}")
            time.sleep(0.01)

    def wait_for_receipt(self, hash):
        return self.wait_for(lambda: self.receipt(hash), f"the receipt of {hash}")

    def send_all(self, sender, transactions):
        """Once all are in blocks, their receipts."""
        first = self.nonce(sender, "pending")
        hashes = self.rpc_all("eth_sendTransaction", [[{**one, "from": sender, "nonce": hex(first + i)}] for i, one in enumerate(transactions)], at_once=100)
        self.wait_for_receipt(hashes[-1])
        return self.wait_for(lambda: all(found := self.rpc_all("eth_getTransactionReceipt", [[hash] for hash in hashes])) and found, "all receipts")

    def wait_for_blocks(self, count):
        goal = self.block_number() + count
        self.wait_for(lambda: self.block_number() >= goal, f"block {goal}")

    # --- What a test can make it do. Both understand evm_…, only anvil understands anvil_… ---

    def mine(self, count=1):
        for _ in range(count):
            self.rpc("evm_mine")

    def set_block_time(self, seconds):
        """Whole seconds for anvil; 0: no blocks by themselves any more."""
        self.rpc("evm_setIntervalMining", seconds)

    def set_automine(self, on):
        self.rpc("evm_setAutomine", on)

    def pass_time(self, seconds):
        """The next block, which is made now, is so much later."""
        self.rpc("evm_increaseTime", seconds)
        self.mine()

    def set_balance(self, account, wei):
        self.rpc("hardhat_setBalance", account, hex(wei))

    def set_base_fee(self, wei):
        """Of the next block."""
        self.rpc("hardhat_setNextBlockBaseFeePerGas", hex(wei))

    def base_fee(self):
        return int(self.block()["baseFeePerGas"], 16)

    def drop(self, hash):
        """It is forgotten that there was such a transaction, if it is in no block."""
        self.rpc("hardhat_dropTransaction" if "hardhat" in str(self.command) else "anvil_dropTransaction", hash)

    def reorg(self, depth, transactions=()):
        """Replaces the newest `depth` blocks; none of their transactions is in the new ones, but for `transactions`: pairs of a transaction and in which of the new blocks it is."""
        self.rpc("anvil_reorg", depth, [[t, block] for t, block in transactions])

    def snapshot(self):
        return self.rpc("evm_snapshot")

    def back_to(self, snapshot):
        """As it was then; no block since then ever was."""
        self.rpc("evm_revert", snapshot)
