"""The registry of handlers, and what is done with one assignment."""
import logging

from .check import DoesNotFit, check_inputs
from .hiding import one_line, trace
from .outcome import failed, outcome_of
from .spec import SpecError, read_spec
from .task import Cancelled, Task
from .version import VersionRange, best_of, parse_version

log = logging.getLogger("heddle_worker")
_MOST_SHOWN, _MOST_KIND = 20, 1_000


class Refused(Exception):
    """An assignment that no handler is called for, and why. `understood`: it can be read, but its kind or its inputs do not fit."""

    def __init__(self, why, understood=False):
        super().__init__(why)
        self.understood = understood


class _Entry:
    def __init__(self, kind, versions, activity, function):
        self.kind, self.versions, self.activity, self.function = kind, versions, activity, function


class Registry:
    """What a process can do. Handlers are added before it serves; then everything may be called from any thread."""

    def __init__(self, version="0.0.0", tags=()):
        """`tags` are said to the host besides the kinds, such as "gpu"."""
        if parse_version(version) is None:
            raise ValueError(f'"{version}" is not a version')
        self.version, self._tags = version, tuple(tags)
        self._entries = {}  # kind → entries

    def handler(self, kind, version=None, spec=None):
        """Decorates the function that does tasks of this kind: it gets a Task, and returns JSON, bytes, a Ref or SKIPPED, or raises.

        `version` is one or a range: "1.0.0", "1.x", "^1.2", ">=1.0 <3"; left out, the spec's, or any. `spec` is a dict, the path of a YAML file, or an ActivitySpec.
        Many threads call the function at the same time, each with a task of its own. ValueError: what is said does not go together.
        """
        if not kind or len(kind) > _MOST_KIND:
            raise ValueError(f"a kind has 1 to {_MOST_KIND} characters")
        activity = None
        if spec is not None:
            read = read_spec(spec)
            activity = read.find(kind)
            if activity is None:
                raise SpecError(f'the spec "{read.name}" says nothing of "{kind}", only of {_listed(one.kind for one in read.activities)}')
        versions = VersionRange(version or (activity.version if activity else "*"))
        entries = self._entries.setdefault(kind, [])
        if any((one.versions.low, one.versions.high) == (versions.low, versions.high) for one in entries):
            raise ValueError(f'there is another handler of "{kind}", version {versions.text}')

        def add(function):
            entries.append(_Entry(kind, versions, activity, function))
            return function
        return add

    @property
    def kinds(self):
        return sorted(kind for kind, entries in self._entries.items() if entries)

    @property
    def tags(self):
        return [*self.kinds, *(tag for tag in self._tags if tag not in self._entries)]

    def entry_for(self, kind, version):
        """The best handler for it. Refused says which there are."""
        entries = self._entries.get(kind)
        if not entries:
            raise Refused(f'no handler of "{kind[:_MOST_KIND]}"; there are {_listed(self.kinds) or "none"}', understood=True)
        key = parse_version(version) if version else None
        if version and key is None:
            raise Refused(f'"{version[:80]}" is not a version')
        best = best_of([one.versions for one in entries], key)
        if best is None:
            raise Refused(f'no handler of "{kind}" for version {version[:80]}; there are {_listed(one.versions.text for one in entries)}', understood=True)
        return next(one for one in entries if one.versions is best)

    def bind(self, assignment):
        """(handler, task) of an assignment, its inputs checked. Refused."""
        entry = self.entry_for(assignment.task_kind, assignment.task_version)
        try:
            task = Task(assignment)
        except ValueError as wrong:
            raise Refused(str(wrong)) from None
        declared = entry.activity and any(param.name == "checkpoint" for param in entry.activity.inputs)
        if not declared:
            task.inputs.pop("checkpoint", None)
        try:
            if entry.activity:
                check_inputs(entry.activity, task.inputs)
        except DoesNotFit as wrong:
            raise Refused(str(wrong), understood=True) from None
        return entry, task

    def perform(self, entry, task):
        """Calls the handler, and says how it ended. Raises nothing."""
        secrets = [dict(task.inputs), task.checkpoint, task.upload_prefix]  # a copy: the handler may take its inputs apart
        try:
            return outcome_of(entry.function(task), entry.activity)
        except Cancelled:
            return failed("cancelled")
        except BaseException as error:  # SystemExit too: the thread is not the handler's to end
            log.error("task %r, run %r of %s: %s", task.activity_id, task.run_id, task.kind, trace(error, secrets))
            return failed(one_line(error, secrets))


def _listed(names):
    names = list(names)
    more = f" and {len(names) - _MOST_SHOWN} more" if len(names) > _MOST_SHOWN else ""
    return ", ".join(f'"{name}"' for name in names[:_MOST_SHOWN]) + more
