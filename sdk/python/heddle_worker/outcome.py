"""How a task ended: what becomes of what a handler returned, or raised."""
import json
from dataclasses import dataclass

from .check import DoesNotFit, check_outputs
from .task import MOST_REF, SKIPPED, Ref, parse_json, sendable

MOST_MESSAGE_BYTES = 64 << 20  # of one message, in either direction
_MOST_RESULT = MOST_MESSAGE_BYTES - (64 << 10)  # the ids and the rest have to fit in, too


@dataclass(frozen=True)
class Outcome:
    """The members of a Completion, but for the ids."""
    status: str  # "SUCCESS", "ERROR", "SKIPPED"
    result_ref: str = ""
    result_inline: bytes = b""
    error: str = ""


def failed(why):
    return Outcome("ERROR", error=sendable(why))


def outcome_of(result, activity=None):
    """Of what a handler returned; where there is an activity, checked against it. What is wrong with it is an outcome, too."""
    if result is SKIPPED:
        return Outcome("SKIPPED")
    if isinstance(result, Ref):
        return Outcome("SUCCESS", result_ref=sendable(result)) if 0 < len(result) <= MOST_REF else failed(f"the result's ref must have 1 to {MOST_REF} characters")
    if activity and result is None:
        result = {}
    if isinstance(result, (bytes, bytearray)):
        data = bytes(result)
    else:
        try:
            data = json.dumps(result, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
        except (TypeError, ValueError, RecursionError) as wrong:  # an object that is none, NaN, a circle, half a character
            return failed(f"the result is neither JSON nor bytes: {type(wrong).__name__} in a {type(result).__name__}")
    if len(data) > _MOST_RESULT:
        return failed(f"the result has {len(data)} bytes, more than fit into a message ({_MOST_RESULT}): put it under task.upload_prefix, and return its Ref")
    try:
        if activity:
            check_outputs(activity, _seen_by_others(data))
    except DoesNotFit as wrong:
        return failed(str(wrong))
    return Outcome("SUCCESS", result_inline=data)


def _seen_by_others(data):
    """The value that somebody else reads out of the bytes: keys are texts there, and tuples lists."""
    try:
        return parse_json(data.decode())
    except (ValueError, RecursionError):
        return data
