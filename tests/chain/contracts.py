"""The contracts of the tests, on a chain: deployed, called, and what they said."""
import json
import os

from chain import TOOLS, RpcError
from solidity import decode, encode, types_of

NOBODY = "0x" + "00" * 20
NOTHING = "0x" + "00" * 32
GAS = hex(16_000_000)  # enough for anything here; a chain would estimate it anew for each


class Reverted(Exception):
    """A contract has refused: with an error of its own, of that name, and its arguments."""

    def __init__(self, name, args):
        super().__init__(f"{name}{tuple(args)}")
        self.name, self.args_of_it = name, args


def compiled(name):
    with open(os.path.join(TOOLS, "contracts", name + ".json")) as file:
        return json.load(file)


def _type(entry):
    """Of an entry of an ABI: its canonical type."""
    if entry["type"].startswith("tuple"):
        return "(" + ",".join(map(_type, entry["components"])) + ")" + entry["type"][5:]
    return entry["type"]


def _named(entry, value):
    """A struct as a dict, by the names of its members; a list of them as a list of dicts."""
    if entry["type"] == "tuple":
        return {c["name"]: _named(c, v) for c, v in zip(entry["components"], value)}
    return value


class Contract:
    def __init__(self, chain, name, address, sender):
        self.chain, self.address, self.sender, self.face = chain, address, sender, compiled(name)
        self.signatures = {s.split("(")[0]: s for s in self.face["functions"]}
        self.outputs = {e["name"]: e["outputs"] for e in self.face["abi"] if e["type"] == "function"}
        self.event_inputs = {e["name"]: e["inputs"] for e in self.face["abi"] if e["type"] == "event"}

    @classmethod
    def deploy(cls, chain, name, *args, sender):
        face = compiled(name)
        inputs = next((e["inputs"] for e in face["abi"] if e["type"] == "constructor"), [])
        data = face["bytecode"] + encode([_type(i) for i in inputs], args).hex()
        receipt = _mined(chain, chain.send({"from": sender, "data": data, "gas": GAS}))
        return cls(chain, name, receipt["contractAddress"], sender)

    def data(self, function, *args):
        """What a transaction to it carries."""
        signature = self.signatures[function]
        return self.face["functions"][signature] + encode(types_of(signature), args).hex()

    def call(self, function, *args, sender=None):
        """What a function gives, when nothing is to be changed."""
        try:
            answer = self.chain.rpc("eth_call", {"from": sender or self.sender, "to": self.address, "data": self.data(function, *args)}, "latest")
        except RpcError as error:
            raise self._reverted(error) from None
        outputs = self.outputs[function]
        values = [_named(o, v) for o, v in zip(outputs, decode([_type(o) for o in outputs], bytes.fromhex(answer[2:])))]
        return values[0] if len(values) == 1 else values

    def send(self, function, *args, sender=None):
        """The receipt, once it is in a block. Refused: Reverted, and nothing is sent; or, if it was refused only in its block, AssertionError."""
        self.call(function, *args, sender=sender)
        receipt = _mined(self.chain, self.chain.send({"from": sender or self.sender, "to": self.address, "data": self.data(function, *args), "gas": GAS}))
        assert receipt["status"] == "0x1", f"{function} reverted in its block"
        return receipt

    def post(self, function, *args, sender=None):
        """The hash, at once; nothing is looked at."""
        return self.chain.send({"from": sender or self.sender, "to": self.address, "data": self.data(function, *args), "gas": GAS})

    def events(self, *names, from_block=0, receipt=None):
        """Of those names, or all: {"event", "block", "transaction", …what it says}, as they came."""
        logs = receipt["logs"] if receipt else self.chain.rpc("eth_getLogs", {"address": self.address, "fromBlock": hex(from_block), "toBlock": "latest"})
        found = [self._event(log) for log in logs if log["address"].lower() == self.address.lower()]
        return [event for event in found if event and (not names or event["event"] in names)]

    def _event(self, log):
        signature = next((s for s, topic in self.face["events"].items() if topic == log["topics"][0]), None)
        if not signature:
            return None
        inputs = self.event_inputs[signature.split("(")[0]]
        plain = [i for i in inputs if not i["indexed"]]
        values = dict(zip((i["name"] for i in plain), decode([_type(i) for i in plain], bytes.fromhex(log["data"][2:]))))
        for entry, topic in zip((i for i in inputs if i["indexed"]), log["topics"][1:]):
            values[entry["name"]] = decode([_type(entry)], bytes.fromhex(topic[2:]))[0]
        return {"event": signature.split("(")[0], "block": int(log["blockNumber"], 16), "transaction": log["transactionHash"], **values}

    def _reverted(self, error):
        data = error.data or ""
        signature = next((s for s, selector in self.face["errors"].items() if data.startswith(selector)), None)
        if not signature:
            return error
        return Reverted(signature.split("(")[0], decode(types_of(signature), bytes.fromhex(data[10:])))


def _mined(chain, hash):
    if "--no-mining" in chain.command:
        chain.mine()
    return chain.wait_for_receipt(hash)


class Subnet:
    """All contracts on a chain, from its first account: the owner, who also asks for work."""

    def __init__(self, chain, lease_seconds=60, version="1.0.0"):
        self.chain = chain
        self.owner, *self.workers = chain.accounts()
        self.control_plane = Contract.deploy(chain, "SubnetControlPlane", version, sender=self.owner)
        self.queue = Contract.deploy(chain, "TaskQueue", self.control_plane.address, lease_seconds, sender=self.owner)
        self.workflows = Contract.deploy(chain, "WorkflowEngine", self.queue.address, sender=self.owner)

    @property
    def addresses(self):
        """As the params of the chain type have them."""
        return {"control_plane": self.control_plane.address, "task_queue": self.queue.address, "workflow_engine": self.workflows.address}

    def activate(self, *workers):
        for worker in workers:
            self.control_plane.send("activateWorker", worker)

    def enqueue(self, queue_name, input, kind=NOBODY, partition=0, expires_at=0, priority=0, quorum=1):
        """The id of a new activity. `input`: bytes, or what goes as JSON."""
        data = input if isinstance(input, bytes) else json.dumps(input, separators=(",", ":")).encode()
        receipt = self.queue.send("enqueue", queue_name, partition, NOTHING, kind, data, expires_at, priority, quorum)
        return self.queue.events("ActivityEnqueued", receipt=receipt)[0]["activityId"]

    def enqueue_many(self, queue_name, inputs, kind=NOBODY, partition=0, at_once=40):
        """The ids of new activities, as many in a transaction as `at_once`."""
        ids = []
        for first in range(0, len(inputs), at_once):
            receipt = self.queue.send("enqueueMany", queue_name, partition, kind, inputs[first:first + at_once])
            ids += [event["activityId"] for event in self.queue.events("ActivityEnqueued", receipt=receipt)]
        return ids

    def poll(self, queue_name, partition=0, sender=None):
        """The activity that would be claimed next, or None."""
        activity, has_activity = self.queue.call("pollActivity", queue_name, partition, sender=sender)
        return activity if has_activity else None

    def activity(self, id):
        return self.queue.call("getActivity", id)

    def wait_until_over(self, ids):
        """The activities, once all are."""
        wanted = set(ids)

        def over():
            ended = {event["activityId"] for event in self.queue.events("ActivityCompleted", "ActivityFailed")}
            return wanted <= ended
        self.chain.wait_for(over, f"the end of {len(wanted)} activities")
        return [self.activity(id) for id in ids]
