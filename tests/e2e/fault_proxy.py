"""A proxy on loopback that does to connections what networks and dying hosts do.

    fault_proxy.py HOST:PORT [SEED]

Its first line on stdout says where it listens. Each line on stdin is a JSON object, the fault from then on, of open connections too; it is answered by a line of figures once it holds. It ends with its stdin.

  {"fault": "none"}
  {"fault": "delay", "delay_ms": 5, "jitter_ms": 5}  everything is late by so much, and by chance up to so much more
  {"fault": "refuse"}       a reset as soon as the client asks for something; the server hears nothing of it
  {"fault": "reset"}        a reset, both ways, in place of an answer
  {"fault": "half_close"}   the client hears the end, and may go on talking
  {"fault": "garbage"}      the client hears bytes that mean nothing, and then the end
  {"fault": "black_hole"}   nothing comes through any more, either way, and nobody is told
  {"fault": "slow", "bytes_per_s": 1000}             the client hears so much in a second

"after_bytes" (0) lets so much of the answers of a connection through first; "share" (1) is the part of the exchanges that it strikes. An exchange begins with a connection, and when a client speaks that has heard
something since it spoke last; what is multiplexed on one connection shares its exchanges.
"""
import asyncio
import json
import random
import socket
import struct
import sys

RULE = {"fault": "none", "share": 1, "after_bytes": 0, "delay_ms": 0, "jitter_ms": 0, "bytes_per_s": 1000}
FAULTS = ("none", "delay", "refuse", "reset", "half_close", "garbage", "black_hole", "slow")
SLOW_STEP_S = 0.02
GARBAGE = bytes(random.Random(7).randrange(256) for _ in range(512))


class End(asyncio.Protocol):
    """The proxy's end of one connection; `peer` is that of the other one."""

    def __init__(self, link, is_client):
        self.link, self.is_client, self.peer, self.transport, self.due = link, is_client, None, None, 0.0
        self.has_heard_all = self.has_said_all = False
        self.early = []  # heard while there was nobody to hand it on to

    def connection_made(self, transport):
        self.transport = transport
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.is_client:
            asyncio.ensure_future(self.link.connect(self))

    def data_received(self, data):
        if self.peer:
            self.link.heard(self, data)
        else:
            self.early.append(data)

    def eof_received(self):
        self.has_heard_all = True
        if self.peer:
            self.peer.say(None)
        return not self.has_said_all  # the other direction stays open

    def connection_lost(self, error):
        if self.peer and error:
            self.peer.reset()

    def pause_writing(self):
        self.peer.transport.pause_reading()

    def resume_writing(self):
        self.peer.transport.resume_reading()

    def say(self, data, late_s=0.0):
        """Nothing overtakes what was said before; None is the end of this direction."""
        loop = self.link.proxy.loop
        if late_s == 0 and self.due <= loop.time():
            return self.write(data)
        self.due = max(self.due, loop.time() + late_s)
        loop.call_at(self.due, self.write, data)

    def write(self, data):
        if self.transport.is_closing():
            return
        if data is None:
            self.has_said_all = True
            self.transport.close() if self.has_heard_all else self.transport.write_eof()
        else:
            self.transport.write(data)

    def reset(self):
        if self.transport.is_closing():
            return
        self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()


class Link:
    """A client's connection and ours to the server for it."""

    def __init__(self, proxy):
        self.proxy, self.rule, self.struck, self.is_answered, self.is_deaf, self.answer_bytes = proxy, None, False, False, False, 0

    async def connect(self, client):
        server = End(self, False)
        server.peer = client
        try:
            await self.proxy.loop.create_connection(lambda: server, *self.proxy.to)
        except OSError:
            return client.reset()
        client.peer = server
        for data in client.early:
            self.heard(client, data)
        if client.has_heard_all or client.transport.is_closing():
            server.say(None)

    @staticmethod
    def reset(end):
        end.peer.reset()
        end.reset()

    def heard(self, end, data):
        if self.rule is not self.proxy.rule:
            self.rule, self.answer_bytes, self.is_answered, self.struck = self.proxy.rule, 0, False, self.proxy.strikes()
        elif end.is_client and self.is_answered:
            self.is_answered, self.struck = False, self.proxy.strikes()
        self.is_answered = self.is_answered or not end.is_client
        fault = self.rule["fault"] if self.struck else "none"
        if fault == "delay":
            return end.peer.say(data, (self.rule["delay_ms"] + self.proxy.chance.random() * self.rule["jitter_ms"]) / 1000)
        if fault == "black_hole" and self.answer_bytes >= self.rule["after_bytes"]:
            return
        if fault == "refuse" and end.is_client:
            return self.reset(end)
        if end.is_client:
            return end.peer.say(data)
        if fault in ("none", "refuse"):
            return None if self.is_deaf else end.peer.say(data)
        through = data[:max(0, self.rule["after_bytes"] - self.answer_bytes)]
        self.answer_bytes += len(data)
        if through:
            end.peer.say(through)
        if len(through) < len(data):
            self.strike(fault, end, data[len(through):])

    def strike(self, fault, server, rest):
        client = server.peer
        if fault == "reset":
            self.reset(server)
        elif fault in ("half_close", "garbage") and not self.is_deaf:
            self.is_deaf = True
            if fault == "garbage":
                client.say(GARBAGE)
            client.say(None)
        elif fault == "slow":
            step = max(1, int(self.rule["bytes_per_s"] * SLOW_STEP_S))
            server.transport.pause_reading()
            for at in range(0, len(rest), step):
                client.say(rest[at:at + step], 0)
                client.due = max(client.due, self.proxy.loop.time()) + SLOW_STEP_S
            self.proxy.loop.call_at(client.due, server.transport.resume_reading)


class Proxy:
    def __init__(self, to, seed):
        self.loop, self.to, self.rule, self.chance = asyncio.get_running_loop(), to, RULE, random.Random(seed)
        self.figures = {"connections": 0, "exchanges": 0, "struck": 0}

    def taken(self):
        self.figures["connections"] += 1
        return End(Link(self), True)

    def strikes(self):
        self.figures["exchanges"] += 1
        struck = self.rule["fault"] != "none" and self.chance.random() < self.rule["share"]
        self.figures["struck"] += struck
        return struck

    def follow(self, line):
        said = json.loads(line)
        if said["fault"] not in FAULTS or set(said) - set(RULE):
            raise ValueError(f"no such fault: {line}")
        self.rule = {**RULE, **said}


async def serve(to, seed):
    loop = asyncio.get_running_loop()
    proxy = Proxy(to, seed)
    server = await loop.create_server(proxy.taken, "127.0.0.1", 0, backlog=512)
    print(json.dumps({"endpoint": "127.0.0.1:%d" % server.sockets[0].getsockname()[1]}), flush=True)
    said = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(said), sys.stdin)
    while line := await said.readline():
        proxy.follow(line)
        print(json.dumps(proxy.figures), flush=True)


if __name__ == "__main__":
    host, _, port = sys.argv[1].rpartition(":")
    asyncio.run(serve((host, int(port)), int(sys.argv[2]) if len(sys.argv) > 2 else 1))
