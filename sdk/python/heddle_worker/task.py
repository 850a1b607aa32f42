"""What a handler sees: the task, and the values that it may give back besides JSON and bytes."""
import json
import math
import threading

MOST_INPUTS, MOST_NAME, MOST_REF = 1_000, 1_000, 16_384
_MOST_MESSAGE = 1_000  # characters; what is longer is cut


class Cancelled(Exception):
    """The task was given up by whoever asked for it."""


class Ref(str):
    """Where a value is: a URL. Its repr leaves out what follows the "?", which often is a credential."""

    __slots__ = ()

    @property
    def url(self):
        return str(self)

    def __repr__(self):
        return f"Ref({self.split('?')[0]}{'?…' if '?' in self else ''})"


class _Skipped:
    def __repr__(self):
        return "SKIPPED"


SKIPPED = _Skipped()  # there was nothing to do


class Task:
    """One run of an activity. Its methods may be called from any thread."""

    def __init__(self, assignment):
        """ValueError says what cannot be understood."""
        self.activity_id, self.run_id = assignment.activity_id, assignment.run_id
        self.workflow_instance_id = assignment.workflow_instance_id
        self.kind, self.version = assignment.task_kind, assignment.task_version
        self.upload_prefix = assignment.upload_prefix  # results may be PUT to URLs that begin with it
        self.deadline = assignment.soft_deadline_unix or None  # Unix seconds; nobody waits for it any longer than that
        self.inputs = read_inputs(assignment.inputs)  # name → JSON value, bytes, or Ref
        self.checkpoint = self.inputs.get("checkpoint")  # what an earlier run has told to progress(), or None
        self.cancelled, self._run, self._report = threading.Event(), None, lambda *said: None

    def attach(self, run, report):
        """Of the server: the run, which knows when and why the task is given up, and what is told of progress, report(percent, message, checkpoint)."""
        self.cancelled, self._run, self._report = run.cancelled, run, report

    def progress(self, percent, message="", checkpoint=None):
        """Says how far it is, 0 to 100; more often than 18 times a second only the last one is sent. Never blocks.

        `checkpoint` is from where another run may go on: a text or a Ref. None: from where was said before; "": from nowhere.
        """
        percent = 0 if math.isnan(percent) else int(min(100, max(0, percent)))
        if checkpoint is not None and (not isinstance(checkpoint, str) or len(checkpoint) > MOST_REF):
            raise ValueError(f"a checkpoint is a text of at most {MOST_REF} characters")
        self._report(percent, sendable(str(message)[:_MOST_MESSAGE]), None if checkpoint is None else sendable(checkpoint))

    def check(self):
        """Raises Cancelled, with the reason, if the task was cancelled, or its deadline has passed."""
        if self.cancelled.is_set():
            raise Cancelled(self._run.why if self._run else "cancelled")


def read_inputs(descriptors):
    """name → value. ValueError says which one cannot be understood; never what is in it."""
    if len(descriptors) > MOST_INPUTS:
        raise ValueError(f"{len(descriptors)} inputs, at most {MOST_INPUTS} are taken")
    inputs = {}
    for i, one in enumerate(descriptors):
        if not one.name or len(one.name) > MOST_NAME:
            raise ValueError(f"input {i + 1} needs a name of at most {MOST_NAME} characters")
        if one.name in inputs:
            raise ValueError(f'the input "{one.name}" is there twice')
        inputs[one.name] = _value_of(one)
    return inputs


def _value_of(one):
    given = [key for key in ("ref", "inline_json", "inline_bytes") if getattr(one, key)]
    if len(given) > 1:
        raise ValueError(f'the input "{one.name}" has {" and ".join(given)}, and may have only one of them')
    if one.ref:
        return Ref(one.ref)
    if not one.inline_json:
        return one.inline_bytes
    try:
        return parse_json(one.inline_json)
    except json.JSONDecodeError as wrong:
        raise ValueError(f'the input "{one.name}" is not JSON: line {wrong.lineno}, column {wrong.colno}: {wrong.msg}') from None
    except (ValueError, RecursionError):
        raise ValueError(f'the input "{one.name}" is not JSON that can be read: a number that is none, or nested too deep') from None


def sendable(text):
    """The text with ? in place of half characters, which no message can carry."""
    return text.encode("utf-8", "replace").decode()


def parse_json(text):
    """Strictly: NaN and Infinity are refused. ValueError, RecursionError."""
    def refuse(word):
        raise ValueError(f"{word} is not JSON")
    return json.loads(text, parse_constant=refuse)
