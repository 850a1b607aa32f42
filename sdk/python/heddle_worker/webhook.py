"""Posts completions to the host: POST {callback}/tasks/{id}/complete."""
import json
import logging
import queue
import threading
import time
import urllib.error
import urllib.request
from urllib.parse import quote, urlsplit

from .messages import completion

log = logging.getLogger("heddle_worker")
_MOST_WAITING = 1_000
_TRIES, _TIMEOUT_S, _BETWEEN_S = 3, 10.0, 1.0


class Webhook:
    """A listener of the task table with one thread. What cannot be delivered is logged; the host can still ask for the status."""

    def __init__(self, callback):
        """ValueError: it is no URL of http or https."""
        if urlsplit(callback).scheme not in ("http", "https") or not urlsplit(callback).netloc:
            raise ValueError("a callback is a URL of http or https")
        self._callback = callback.rstrip("/")
        self._waiting = queue.Queue(_MOST_WAITING)
        self._is_closed = threading.Event()
        self._thread = threading.Thread(target=self._post_all, name="heddle-worker-webhook", daemon=True)
        self._thread.start()

    def acked(self, run):
        pass

    progressed = moved = acked

    def capacity_changed(self):
        pass

    def completed(self, run):
        try:
            self._waiting.put_nowait(run)
        except queue.Full:
            log.error("task %r: its completion is not posted: %d wait already", run.key[0], _MOST_WAITING)

    def close(self, seconds):
        """Posts what waits, for at most so many seconds."""
        end = time.monotonic() + seconds
        try:
            self._waiting.put(None, timeout=seconds)
        except queue.Full:
            pass
        self._thread.join(max(0.0, end - time.monotonic()))
        self._is_closed.set()

    def _post_all(self):
        while (run := self._waiting.get()) is not None and not self._is_closed.is_set():
            self._post(run)

    def _post(self, run):
        url = f"{self._callback}/tasks/{quote(run.key[0], safe='')}/complete"
        request = urllib.request.Request(url, json.dumps(completion(run)).encode(), {"content-type": "application/json"}, method="POST")
        for left in reversed(range(_TRIES)):
            try:
                urllib.request.urlopen(request, timeout=_TIMEOUT_S).close()
                return
            except urllib.error.HTTPError as refused:
                why, is_for_good = f"HTTP {refused.code}", refused.code < 500 and refused.code != 429
                refused.close()
            except (OSError, ValueError) as broken:
                why, is_for_good = type(broken).__name__, False
            if is_for_good or not left or self._is_closed.wait(_BETWEEN_S):
                break
        log.error("task %r: its completion could not be posted: %s", run.key[0], why)
