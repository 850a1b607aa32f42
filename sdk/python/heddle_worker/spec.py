"""Activity specs: what kinds of work a worker takes, and what goes into each and comes out of it.

Two forms, as a dict or as the YAML of it:

    name: thumbnails                       task_kind: thumbnails/resize
    version: 1.2.0                         task_version: 1.2.0
    activities:                            inputs: [{name: image, type: string}]
      - id: resize                         outputs: [{name: small, type: string}]
        input_params: [{name: image, type: string, description: where it is}]
        output_params: [{name: small, type: string}]
"""
import os
from dataclasses import dataclass, field

from .activity_type import ActivityType, read_activity_type
from .check import pointer
from .nearest import suggestion
from .spec_file import Number, parse_spec_file

_SPEC_KEYS = ("name", "version", "activities")
_TASK_KEYS = ("task_kind", "task_version", "inputs", "outputs")
_ACTIVITY_KEYS = ("id", "name", "description", "worker", "num_workers", "quorum", "skip_on_prev_success", "require_gpu", "input_params", "output_params")
_PARAM_KEYS = ("name", "type", "description")
_MOST_WORKERS, _MOST_FAULTS = 10_000, 20


class SpecError(ValueError):
    """Everything that is wrong with a spec, by JSON Pointer."""


@dataclass(frozen=True)
class Param:
    name: str
    type: ActivityType
    description: str = ""


@dataclass(frozen=True)
class Activity:
    kind: str  # what a task of it is called
    version: str
    name: str = ""
    description: str = ""
    worker: str = ""
    workers: int = 1
    quorum: int = 1
    skip_on_prev_success: bool = False
    require_gpu: bool = False
    inputs: tuple = ()
    outputs: tuple = ()


@dataclass(frozen=True)
class ActivitySpec:
    name: str
    version: str
    activities: tuple = field(default=())  # no two of one kind

    def find(self, kind):
        return next((one for one in self.activities if one.kind == kind), None)


def read_spec(source):
    """An ActivitySpec of a dict, of the path of a YAML file (needs python3-yaml), or of one that was read before. SpecError, OSError."""
    if isinstance(source, ActivitySpec):
        return source
    where = ""
    if isinstance(source, (str, os.PathLike)):
        where = f"{os.fspath(source)}: "
        try:
            source = parse_spec_file(source)
        except ValueError as wrong:
            raise SpecError(f"{where}{wrong}") from wrong
    reading = _Reading()
    if isinstance(source, dict) and "activities" not in source and any(key in source for key in _TASK_KEYS):
        spec = reading.task(source)
    else:
        spec = reading.list_of(source)
    if reading.faults:
        more = f"; and {len(reading.faults) - _MOST_FAULTS} more" if len(reading.faults) > _MOST_FAULTS else ""
        raise SpecError(where + "; ".join(reading.faults[:_MOST_FAULTS]) + more)
    return spec


class _Reading:
    def __init__(self):
        self.faults = []

    def task(self, root):
        fields = _Fields(self, root, "", _TASK_KEYS, "a task's spec")
        kind, version = fields.required("task_kind", is_label=True), fields.required("task_version", is_label=True)
        return ActivitySpec(kind, version, (Activity(kind, version, inputs=self._params(fields, "inputs"), outputs=self._params(fields, "outputs")),))

    def list_of(self, root):
        fields = _Fields(self, root, "", _SPEC_KEYS, "an activity spec")
        name, version = fields.required("name", is_label=True), fields.required("version", is_label=True)
        activities, kinds = [], set()
        for i, one in enumerate(fields.get("activities", list, "a list", (), is_needed=True)):
            path = f"/activities/{i}"
            activities.append(self._activity(one, path, version))
            kind = activities[-1].kind
            if kind and kind in kinds:
                self.faults.append(f'{path}/id: there is another activity "{kind}"')
            kinds.add(kind)
        if "activities" in fields.map and fields.map["activities"] == []:
            self.faults.append("/activities: there is no activity")
        return ActivitySpec(name, version, tuple(activities))

    def _activity(self, entry, path, version):
        fields = _Fields(self, entry, path, _ACTIVITY_KEYS, "an activity")
        workers, quorum = fields.count("num_workers"), fields.count("quorum")
        if quorum > workers:
            self.faults.append(f'{path}/quorum: a quorum of {quorum} needs as many workers, and "num_workers" is {workers}')
        return Activity(fields.required("id", is_label=True), version, fields.text("name", is_label=True), fields.text("description"), fields.text("worker"), workers, quorum,
                        fields.get("skip_on_prev_success", bool, "true or false", False), fields.get("require_gpu", bool, "true or false", False),
                        self._params(fields, "input_params"), self._params(fields, "output_params"))

    def _params(self, of, key):
        params, names = [], set()
        for i, entry in enumerate(of.get(key, list, "a list", ())):
            path = f"{of.path}/{key}/{i}"
            fields = _Fields(self, entry, path, _PARAM_KEYS, "a parameter")
            name, text = fields.required("name"), fields.required("type")
            if name and name in names:
                self.faults.append(f'{path}/name: there is another parameter "{name}"')
            names.add(name)
            kind = ActivityType("string")
            try:
                kind = read_activity_type(text) if text else kind
            except ValueError as wrong:
                self.faults.append(f"{path}/type: {wrong}")
            params.append(Param(name, kind, fields.text("description")))
        return tuple(params)


class _Fields:
    """One map with a fixed set of keys. What has the wrong type is reported, and then stands for what is left out."""

    def __init__(self, reading, entry, path, keys, what):
        self.reading, self.path, self.what = reading, path, what
        self.map = entry if isinstance(entry, dict) else {}
        if not isinstance(entry, dict):
            self._fault(path, f"{what} must be a map")
        for key in self.map:
            if not isinstance(key, str) or (key not in keys and not key.startswith("x-")):
                self._fault(pointer(path, key), f'{what} has no key "{key}"{suggestion(str(key), keys) or "; known are " + ", ".join(keys)}')

    def get(self, key, type_, expected, otherwise, is_needed=False):
        if key not in self.map:
            if is_needed:
                self._fault(self.path, f'{self.what} needs "{key}"')
            return otherwise
        value = self.map[key]
        if type(value) is not type_:
            self._fault(pointer(self.path, key), f'"{key}" must be {expected}')
            return otherwise
        return value

    def text(self, key, is_needed=False, is_label=False):
        # A version such as 1.0 is a number to YAML, and in a dict.
        value = self.map.get(key)
        if is_label and isinstance(value, (int, float, Number)) and not isinstance(value, bool):
            return str(value)
        return self.get(key, str, "a string", "", is_needed)

    def required(self, key, is_label=False):
        text = self.text(key, True, is_label)
        if not text and self.map.get(key) == "":
            self._fault(pointer(self.path, key), f'"{key}" is empty')
        return text

    def count(self, key):
        value = self.map.get(key, 1)
        value = int(value) if isinstance(value, Number) and value.isdecimal() and len(value) < 10 else value
        if type(value) is not int or not 1 <= value <= _MOST_WORKERS:
            self._fault(pointer(self.path, key), f'"{key}" must be a whole number from 1 to {_MOST_WORKERS}')
            return 1
        return value

    def _fault(self, path, message):
        self.reading.faults.append(f"{path}: {message}" if path else message)
