"""From the start of a process to its end: signals."""
import logging
import os
import signal
import sys
import threading

log = logging.getLogger("heddle_worker")
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def serve_until_told(start, grace):
    """Starts the server, and drains it at the first SIGTERM or SIGINT, for at most `grace` seconds; a second one ends the process at once, with 128 and its number.

    Of the main thread only (ValueError). Where the program has not set up logging itself, it goes to stderr.
    """
    if not logging.getLogger().handlers:
        logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    # A signal may come to any thread, and then wakes no other; what it writes into the pipe does.
    heard, told = os.pipe()
    os.set_blocking(told, False)
    before = [(number, signal.signal(number, lambda *_: None)) for number in _SIGNALS]
    wake_before = signal.set_wakeup_fd(told, warn_on_full_buffer=False)
    second = threading.Thread(target=_end_at_once, args=(heard,), name="heddle-worker-signals", daemon=True)
    try:
        server = start()
        try:
            log.info("listening on %s", server.endpoint)
            _next_signal(heard)
            second.start()
            log.info("ending: what is in hand has %g s", grace)
            if not server.drain(grace):
                log.warning("ended before everything was done")
        finally:
            server.close()
    finally:
        signal.set_wakeup_fd(wake_before)
        for number, old in before:
            signal.signal(number, old)
        if second.ident:
            os.write(told, b"\0")
            second.join()
        os.close(heard)
        os.close(told)


def _next_signal(heard):
    """The number of the next signal of ours; 0: there will be none."""
    while (number := os.read(heard, 1)[0]) not in (0, *_SIGNALS):
        pass
    return number


def _end_at_once(heard):
    if number := _next_signal(heard):
        os._exit(128 + number)
