"""The tasks in hand, the completions kept, and the slots: the one place that both servers share."""
import logging
import threading
import time
import uuid

from .kept import Kept
from .outcome import failed
from .run import Busy, Limits, Run, TaskExists
from .task import MOST_NAME
from .registry import Refused

log = logging.getLogger("heddle_worker")
_MOST_SLOTS = 10_000
_TOO_LATE = "the deadline has passed"


class TaskTable:
    """A listener has `acked(run)`, `progressed(run)`, `completed(run)`, `moved(run)`, `capacity_changed()`; they are called with the lock held, and must not block."""

    def __init__(self, worker, slots, limits=None):
        if not 1 <= slots <= _MOST_SLOTS:
            raise ValueError(f"slots must be from 1 to {_MOST_SLOTS}, not {slots}")
        self.worker, self.slots, self.limits = worker, slots, limits or Limits()
        self.instance = f"instance/{uuid.uuid4().hex}"  # tells the host after a lost connection that the runs in hand are still here
        self.lock = threading.Lock()
        self._changed = threading.Condition(self.lock)  # a run ended, or lost its listener; the table is closed
        self._in_hand = {}
        self._ended = Kept(self.limits)
        self.listeners = []
        self.is_draining = self.is_closed = False
        self._keeper = threading.Thread(target=self._cancel_what_is_left, name="heddle-worker-keeper", daemon=True)
        self._keeper.start()

    # With the lock held.

    def available(self):
        return 0 if self.is_draining else self.slots - len(self._in_hand)

    def find(self, activity_id):
        """The newest run of the activity, or None."""
        runs = (*reversed(self._in_hand.values()), *self._ended.newest_first())
        return next((run for run in runs if run.key[0] == activity_id), None)

    def leave(self, listener):
        """Its tasks go on without it, for a while."""
        self.listeners = [one for one in self.listeners if one is not listener]
        for run in self._in_hand.values():
            if run.listener is listener:
                run.listener, run.left_at = None, time.monotonic()
        self._changed.notify_all()

    # Without it.

    def assign(self, assignment, listener, refusal=""):
        """Begins the run, or goes on with it, or says its completion again; or says one that tells why it is not taken: `refusal`, if there is one."""
        run = Run(assignment, listener)
        with self.lock:
            known = self._in_hand.get(run.key) or self._ended.get(run.key)
            if known:
                return self._say_again(known, listener)
            refusal = refusal or self._refusal(run)
            if refusal:
                run.outcome = failed(refusal)
                if run.has_names:
                    self._ended.add(run)  # whoever asks for this run again is told the same
                return listener.completed(run)
            self._take(run)
        return self._begin(run)

    def add(self, assignment, bound, listener=None):
        """Begins the run of what Worker.bind has made of the assignment; its completion is told to the listener. TaskExists, or Busy: nothing is begun, and nothing kept."""
        run = Run(assignment, listener)
        with self.lock:
            known = self.find(run.key[0])
            if known and (known.outcome is None or self._ended.get(run.key)):
                raise TaskExists(f'there is this task already: run "{known.key[1]}"')
            if refusal := self._refusal(run):
                raise Busy(refusal)
            self._take(run)
        self._begin(run, bound)

    def cancel(self, activity_id, reason="", listener=None):
        """Gives up every run of the activity; of a listener's, if one says it: another host's are not its own. False: none is in hand."""
        with self.lock:
            runs = [run for run in self._in_hand.values() if run.key[0] == activity_id and (listener is None or run.listener in (None, listener))]
            for run in runs:
                run.give_up(reason or "cancelled")
        return bool(runs)

    def _report(self, run, percent, message, checkpoint):
        with self.lock:
            if run.outcome:
                return
            if checkpoint is None:
                checkpoint = run.said[2] if run.said else ""
            run.said, was_unsaid, run.is_unsaid = (percent, message, checkpoint), run.is_unsaid, True
            if run.listener and not was_unsaid:
                run.listener.progressed(run)

    def drain(self):
        """Nothing new is taken any more."""
        with self.lock:
            self.is_draining = True
            self._tell_capacity()

    def wait_until_idle(self, seconds):
        """Whether nothing is in hand any more, at the end."""
        with self.lock:
            return self._changed.wait_for(lambda: not self._in_hand, seconds)

    def cancel_all(self):
        with self.lock:
            for run in self._in_hand.values():
                run.give_up("the worker is ending")

    def close(self, why="the worker has ended"):
        """Ends the table; what is in hand fails with `why`, whatever its handler still does."""
        with self.lock:
            self.is_draining = self.is_closed = True
            for run in list(self._in_hand.values()):
                run.give_up(why)
                self._end(run, failed(why))
            self._tell_capacity()
            self._changed.notify_all()
        self._keeper.join()

    def _say_again(self, run, listener):
        if run.outcome:
            listener.completed(run)
            return
        if run.listener and run.listener is not listener:
            run.listener.moved(run)
        run.listener, run.left_at = listener, None
        run.is_unsaid = run.is_unsaid or run.said is not None
        listener.acked(run)

    def _take(self, run):
        self._in_hand[run.key] = run
        if run.listener:
            run.listener.acked(run)
        self._tell_capacity()
        if run.deadline_at is not None:
            self._changed.notify_all()

    def _begin(self, run, bound=None):
        try:
            threading.Thread(target=self._work, args=(run, bound), name="heddle-worker-task", daemon=True).start()
        except RuntimeError:  # the system gives no more threads
            with self.lock:
                self._end(run, failed("the worker could not begin a thread"))

    def _refusal(self, run):
        if not run.has_names:
            return f"an assignment needs an activity_id and a run_id, each of at most {MOST_NAME} characters"
        if self.is_draining:
            return "the worker is ending, and takes nothing new"
        if len(self._in_hand) >= self.slots:
            return f"no slot is free: all {self.slots} are taken"
        return None

    def _work(self, run, bound):
        with self.lock:
            assignment, run.assignment, run.is_begun = run.assignment, None, True
        try:
            entry, task = bound or self.worker.bind(assignment)
            del assignment, bound
            task.attach(run, lambda *said: self._report(run, *said))
            outcome = self.worker.perform(entry, task) if not run.cancelled.is_set() else None
        except Refused as why:
            outcome = failed(str(why))
        except BaseException as error:  # an exception that cannot say what it is, say: the host is owed an answer all the same
            outcome = failed(type(error).__name__)
        with self.lock:
            if run.is_late:
                run.give_up(_TOO_LATE)
            self._end(run, failed(_TOO_LATE if run.why == _TOO_LATE else "cancelled") if run.cancelled.is_set() else outcome)

    def _end(self, run, outcome):
        if self._in_hand.pop(run.key, None) is None:
            return  # it was given up before
        run.outcome, run.assignment = outcome, None
        self._ended.add(run)
        if run.listener:
            run.listener.completed(run)
            run.listener = None
        self._tell_capacity()
        self._changed.notify_all()

    def _tell_capacity(self):
        for listener in self.listeners:
            listener.capacity_changed()

    def _cancel_what_is_left(self):
        with self.lock:
            while not self.is_closed:
                now = time.monotonic()
                ends = [(run.left_at + self.limits.reattach_s, run) for run in self._in_hand.values() if run.left_at is not None and not run.cancelled.is_set()]
                for end, run in ends:
                    if end <= now:
                        log.warning("task %r, run %r: no stream has asked for it for %g s: it is cancelled", *run.key, self.limits.reattach_s)
                        run.give_up("no stream has asked for it")
                late = [run for run in self._in_hand.values() if run.deadline_at is not None and not run.cancelled.is_set()]
                for run in late:
                    if run.deadline_at <= now:
                        run.give_up(_TOO_LATE)
                left = [end - now for end, _ in ends if end > now] + [run.deadline_at - now for run in late if run.deadline_at > now]
                self._changed.wait(min(left) if left else None)
