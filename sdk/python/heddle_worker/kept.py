"""Runs that have ended, with their outcomes: the newest ones."""
from collections import OrderedDict


class Kept:
    """Not for several threads at once."""

    def __init__(self, limits):
        self._limits, self._runs, self._bytes = limits, OrderedDict(), 0

    def get(self, key):
        return self._runs.get(key)

    def newest_first(self):
        return reversed(self._runs.values())

    def add(self, run):
        """Keeps it, and lets go of the oldest ones where there are too many, or their results too large."""
        self._runs[run.key] = run
        self._bytes += len(run.outcome.result_inline)
        while len(self._runs) > self._limits.kept or (self._bytes > self._limits.kept_bytes and len(self._runs) > 1):
            self._bytes -= len(self._runs.popitem(last=False)[1].outcome.result_inline)
