"""One run of an activity, as the worker keeps it, and what is kept at most."""
import threading
import time
from dataclasses import dataclass

from .task import MOST_NAME


class TaskExists(Exception):
    """The run, or an earlier one that has not ended, is there already."""


class Busy(Exception):
    """Nothing is taken, for now or any more."""


@dataclass(frozen=True)
class Limits:
    """What a server holds at most."""
    streams: int = 64          # open at the same time; over REST: connections
    reattach_s: float = 60.0   # for so long a task goes on that no stream asks for
    kept: int = 1_000          # completions of runs that have ended
    kept_bytes: int = 256 << 20  # and their results together; the newest is always kept


class Run:
    """One run in hand, or ended. Guarded by the table's lock, but for what never changes."""

    def __init__(self, assignment, listener):
        self.key = (assignment.activity_id, assignment.run_id)
        self.assignment = assignment      # let go of when it has begun
        self.heartbeat_s = max(0, assignment.heartbeat_interval_s)
        self.cancelled = threading.Event()
        self.why = ""                     # it was cancelled, for the handler to know
        deadline = assignment.soft_deadline_unix
        self.deadline_at = time.monotonic() + deadline - time.time() if deadline else None  # monotonic seconds
        self.listener = listener          # whom its answers go to; None: nobody, since left_at
        self.left_at = None
        self.is_begun = False
        self.said = None                  # the newest (percent, message, checkpoint)
        self.is_unsaid = False            # the listener has not sent it yet
        self.said_at = -1.0               # monotonic seconds
        self.outcome = None

    def give_up(self, why):
        if not self.cancelled.is_set():
            self.why = why
            self.cancelled.set()

    @property
    def is_late(self):
        return self.deadline_at is not None and self.deadline_at <= time.monotonic()

    @property
    def has_names(self):
        return all(0 < len(name) <= MOST_NAME for name in self.key)
