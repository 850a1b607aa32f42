"""From the start of a process to its end: signals."""
import logging
import os
import signal
import sys

log = logging.getLogger("heddle_worker")
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def serve_until_told(start, grace):
    """Starts the server, and drains it at the first SIGTERM or SIGINT, for at most `grace` seconds; a second one ends the process at once, with 128 and its number.

    Of the main thread only (ValueError). What was to be said before is logged to stderr, if the program has not set up logging itself.
    """
    if not logging.getLogger().handlers:
        logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    heard, told = os.pipe()  # a signal's function may take no lock: whom it interrupts may have it
    count = 0

    def hear(number, _):
        nonlocal count
        count += 1
        if count > 1:
            os._exit(128 + number)
        os.write(told, b"!")

    before = [(number, signal.signal(number, hear)) for number in _SIGNALS]
    try:
        server = start()
        try:
            log.info("listening on %s", server.endpoint)
            os.read(heard, 1)
            log.info("ending: what is in hand has %g s", grace)
            if not server.drain(grace):
                log.warning("ended before everything was done")
        finally:
            server.close()
    finally:
        for number, old in before:
            signal.signal(number, old)
        os.close(heard)
        os.close(told)
