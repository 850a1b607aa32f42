"""Whether values are what an activity spec says of them, judged as the host judges.

Unlike there, what is said never shows a text that was given: it may be a secret.
"""
import json

from .nearest import suggestion

_MOST_FAULTS = 20
_SHOWN = 40


class DoesNotFit(ValueError):
    """Everything that is wrong, by JSON Pointer."""


def check_inputs(activity, inputs):
    """Whether these are the activity's inputs: a map with each of them, of its type, and nothing else. DoesNotFit says everything that is wrong."""
    _Check().params(activity, activity.inputs, inputs, "input")


def check_outputs(activity, outputs):
    """The same of its outputs."""
    _Check().params(activity, activity.outputs, outputs, "output")


def describe(value):
    """What a value is, for people, without its text."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return f"the boolean {json.dumps(value)}"
    if isinstance(value, (int, float)):
        text = json.dumps(value) if not isinstance(value, int) or abs(value) < 10 ** _SHOWN else "…"
        return f"the number {text}"
    if isinstance(value, str):
        return f"a text of {_counted(len(value), 'character')}"
    if isinstance(value, (bytes, bytearray)):
        return _counted(len(value), "byte")
    if isinstance(value, (list, tuple)):
        return f"a list of {len(value)}" if value else "an empty list"
    if isinstance(value, dict):
        return f"an object with {_counted(len(value), 'member')}" if value else "an empty object"
    return f"a {type(value).__name__}"


def pointer(path, key):
    """The JSON Pointer of a member of what is at `path`."""
    return f"{path}/{str(key).replace('~', '~0').replace('/', '~1')}"


def _counted(count, what):
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _shown(key):
    return key if len(key) <= _SHOWN else key[:_SHOWN] + "…"


class _Check:
    def __init__(self):
        self._said, self._faults = [], 0

    def params(self, activity, wanted, given, what):
        if not isinstance(given, dict):
            self._fault("", f"the {what}s must be a map, not {describe(given)}")
        else:
            for param in wanted:
                self._member(param.type, given, param.name, what, "")
            self._no_others(given, [param.name for param in wanted], what, "")
        if self._faults:
            more = f"; and {self._faults - _MOST_FAULTS} more" if self._faults > _MOST_FAULTS else ""
            raise DoesNotFit(f'activity "{activity.kind}": {"; ".join(self._said)}{more}')

    def _fault(self, path, message):
        self._faults += 1
        if self._faults <= _MOST_FAULTS:
            self._said.append(f"{path}: {message}" if path else message)

    def _no_others(self, given, names, what, path):
        known = set(names)
        for key in given:
            if key not in known:
                self._fault(pointer(path, _shown(key)), f"there is no such {what}{suggestion(key, names)}" if self._faults < _MOST_FAULTS else "")

    def _member(self, type_, given, name, what, path):
        at = pointer(path, name)
        if name in given:
            self._fits(type_, given[name], at)
        else:
            self._fault(at, f"the {what} is missing")

    def _fits(self, type_, value, path):
        if not _is_of_kind(type_, value):
            return self._fault(path, f"must be {type_}, not {describe(value)}")
        if type_.kind == "list":
            for i, one in enumerate(value):
                if self._faults > _MOST_FAULTS:
                    return None
                self._fits(type_.of[0], one, pointer(path, i))
        elif type_.kind == "tuple" and type_.names:
            for one, name in zip(type_.of, type_.names):
                self._member(one, value, name, "part", path)
            self._no_others(value, type_.names, "part", path)
        elif type_.kind == "tuple":
            for i, one in enumerate(type_.of):
                self._fits(one, value[i], pointer(path, i))
        return None


def _is_of_kind(type_, value):
    if type_.kind == "string":
        return isinstance(value, str)
    if type_.kind == "bool":
        return isinstance(value, bool)
    if type_.kind == "int":  # of any size: what a chain counts may be larger than 64 bits
        return isinstance(value, int) and not isinstance(value, bool)
    if type_.kind == "tuple" and type_.names:
        return isinstance(value, dict)
    return isinstance(value, (list, tuple)) and (type_.kind == "list" or len(value) == len(type_.of))
