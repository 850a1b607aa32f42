"""One TaskStream: what the host says on it, and what it is answered."""
import threading
import time
from collections import deque

from . import protocol
from .protocol import Ack, CapacityUpdate, Capabilities, Completion, Envelope, Progress, Version
from .version import versions_meet

_PROGRESS_S = 1 / 18  # between two of one task; with the last, which goes before the completion, at most 20 a second
_HELLO_S = 10.0       # a stream on which nobody says hello does not stay
_MOST_REASON = 1_000  # characters
_MOST_QUEUED = 256    # answers that the host does not read: nothing more of it is read, then


class StreamFault(Exception):
    """Ends the stream. `code` is the name of a gRPC status."""

    def __init__(self, code, why):
        super().__init__(why)
        self.code = code


class Stream:
    """A listener of the task table. One thread calls `hear` and `end_of_requests`, another one `next_answer`; what it has is guarded by the table's lock."""

    def __init__(self, table):
        self._table = table
        self._wake, self._room = threading.Condition(table.lock), threading.Condition(table.lock)
        self._queue = deque()
        self._runs = {}  # key → run whose answers come here
        self._hello_until = time.monotonic() + _HELLO_S
        self._is_greeted = self._is_draining = self._is_half_closed = self._is_over = False
        self._is_capacity_due = False
        self._fault = None

    # What the host says.

    def hear(self, envelope):
        """StreamFault: the host does not keep to the protocol."""
        what = envelope.WhichOneof("msg")
        if what is None:
            return  # of a version to come
        if what == "hello":
            self._greet(envelope.hello)
        elif not self._is_greeted:
            raise StreamFault("FAILED_PRECONDITION", f'"{what}" came before "hello"')
        elif what == "assign":
            self._table.assign(envelope.assign, self, refusal="this stream is drained, and takes nothing new" if self._is_draining else "")
        elif what == "cancel":
            self._table.cancel(envelope.cancel.activity_id, envelope.cancel.reason[:_MOST_REASON], self)
        elif what == "drain":
            with self._table.lock:
                self._is_draining = True
                self.capacity_changed()
        else:
            raise StreamFault("INVALID_ARGUMENT", f'"{what}" is for the worker to say')
        self._wait_for_room()

    def end_of_requests(self, fault=None):
        """The host says nothing more; its tasks are still answered. Or there was a fault: the stream ends."""
        with self._table.lock:
            self._is_half_closed = True
            self._fault = self._fault or fault
            self._wake.notify_all()

    def over(self):
        """The stream is broken, or done: nothing reaches the host any more."""
        with self._table.lock:
            if not self._is_over:
                self._is_over = True
                self._table.leave(self)
                self._queue.clear()
                self._wake.notify_all()
                self._room.notify_all()

    # What it is answered.

    def next_answer(self):
        """Waits for it. None: the stream is over. StreamFault."""
        with self._table.lock:
            while True:
                now = time.monotonic()
                if self._is_over:
                    return None
                if self._queue:
                    self._room.notify_all()
                    return self._queue.popleft()
                if self._fault:
                    raise self._fault
                if self._is_capacity_due:  # after all that was said, and thus true of it
                    self._is_capacity_due = False
                    return Envelope(capacity=CapacityUpdate(available_slots=0 if self._is_draining else self._table.available()))
                if self._table.is_closed or (self._is_half_closed and not self._runs):
                    return None
                if not self._is_greeted and now >= self._hello_until:
                    raise StreamFault("DEADLINE_EXCEEDED", f'nobody said "hello" for {_HELLO_S:g} s')
                due = [(self._due(run), key) for key, run in self._runs.items()]
                due = min((one for one in due if one[0] is not None), default=None)
                if due and due[0] <= now:
                    return self._progress(self._runs[due[1]], now)
                ends = ([due[0]] if due else []) + ([] if self._is_greeted else [self._hello_until])
                self._wake.wait(min(ends) - now if ends else None)

    # The table tells, with the lock held.

    def acked(self, run):
        if self._is_over:
            return self._table.leave(self)  # it broke while the assignment was read
        self._runs[run.key] = run
        return self._say(Envelope(ack=Ack(activity_id=run.key[0], run_id=run.key[1])))

    def progressed(self, run):
        if run.key in self._runs:
            self._wake.notify_all()

    def completed(self, run):
        if self._runs.pop(run.key, None) and run.is_unsaid:
            self._say(self._progress(run, time.monotonic()))
        outcome = run.outcome
        self._say(Envelope(completion=Completion(activity_id=run.key[0], run_id=run.key[1], status=outcome.status, result_ref=outcome.result_ref,
                                                 result_inline=outcome.result_inline, error=outcome.error)))
        if self._is_draining:
            self.capacity_changed()

    def capacity_changed(self):
        self._is_capacity_due = self._is_greeted
        self._wake.notify_all()

    def moved(self, run):
        """Another stream has asked for the run: its answers go there."""
        self._runs.pop(run.key, None)
        self._wake.notify_all()

    def _greet(self, hello):
        if self._is_greeted:
            raise StreamFault("INVALID_ARGUMENT", '"hello" was said already')
        ours, theirs = protocol.VERSIONS, (hello.min, hello.max)
        try:
            do_meet = versions_meet(ours, theirs)
        except ValueError as wrong:
            raise StreamFault("INVALID_ARGUMENT", f"hello: {wrong}") from None
        with self._table.lock:
            self._say(Envelope(hello_ack=Version(min=ours[0], max=ours[1])))
            if not do_meet:
                raise StreamFault("FAILED_PRECONDITION", f"the host speaks versions {_shown(theirs)} of the protocol, the worker {_shown(ours)}")
            self._say(Envelope(capabilities=Capabilities(max_concurrency=self._table.slots, tags=[*self._table.worker.tags, self._table.instance])))
            if not self._is_over:
                self._table.listeners.append(self)
            self._is_greeted = True
            self.capacity_changed()

    def _say(self, envelope):
        if not self._is_over:
            self._queue.append(envelope)
            self._wake.notify_all()

    def _wait_for_room(self):
        with self._table.lock:
            self._room.wait_for(lambda: self._is_over or len(self._queue) < _MOST_QUEUED)

    @staticmethod
    def _due(run):
        """When something is to be said of its progress, in monotonic seconds, or None."""
        if run.is_unsaid:
            return run.said_at + _PROGRESS_S
        return run.said_at + run.heartbeat_s if run.heartbeat_s else None

    @staticmethod
    def _progress(run, now):
        run.is_unsaid, run.said_at = False, now
        percent, message, checkpoint = run.said or (0, "", "")
        return Envelope(progress=Progress(activity_id=run.key[0], run_id=run.key[1], percent=percent, message=message, checkpoint_ref=checkpoint))


def _shown(versions):
    return f"{versions[0][:80] or 'any'} to {versions[1][:80] or 'any'}"
