"""Keeps what came in with a task out of errors and logs: a presigned URL or a token in an input is nobody else's."""
import traceback
from urllib.parse import quote

_SHORTEST, _MOST_TEXTS, _LONGEST_BYTES = 4, 10_000, 4_096
_SHOWN = 500


def hide(text, values):
    """`text` with … in place of each text of 4 characters or more in `values` (any nesting; bytes too, where they are text)."""
    for secret in sorted(set(_texts(values)), key=len, reverse=True):
        for form in (secret, repr(secret)[1:-1], quote(secret, errors="replace")):
            text = text.replace(form, "…")
    return text


def one_line(error, values):
    """What an exception says, in one line of at most 500 characters."""
    text = " ".join(hide(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__, values).split())
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def trace(error, values):
    """Its traceback."""
    return hide("".join(traceback.format_exception(error)), values)


def _texts(values):
    found, left = 0, [values]
    while left and found < _MOST_TEXTS:
        one = left.pop()
        found += 1
        if isinstance(one, dict):
            left.extend(one.values())
        elif isinstance(one, (list, tuple)):
            left.extend(one)
        elif isinstance(one, bytes) and len(one) <= _LONGEST_BYTES:
            left.append(one.decode("utf-8", "replace"))
        elif isinstance(one, str) and len(one) >= _SHORTEST:
            yield one
            if "?" in one:  # of a URL: what signs it
                left.append(one.split("?", 1)[1])
