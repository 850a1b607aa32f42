"""The messages of the protocol as JSON, for REST: the names of the .proto, bytes in base64."""
import base64
import binascii
from types import SimpleNamespace

_ASSIGNMENT = {"activity_id": str, "workflow_instance_id": str, "run_id": str, "task_kind": str, "task_version": str, "inputs": list, "upload_prefix": str,
               "soft_deadline_unix": int, "heartbeat_interval_s": int}
_INPUT = {"name": str, "media_type": str, "ref": str, "inline_json": str, "inline_bytes": str}
_NAMES = {str: "a text", int: "a whole number", list: "a list"}
_INT64, _INT32 = 2 ** 63, 2 ** 31


def read_assignment(value, activity_id):
    """What has the attributes of a TaskAssignment. ValueError says what cannot be understood. What is not known is passed over, as in protobuf."""
    one = _members(value, _ASSIGNMENT, "the assignment")
    if one.activity_id not in ("", activity_id):
        raise ValueError("the activity_id is not that of the path")
    if not -_INT64 <= one.soft_deadline_unix < _INT64 or not -_INT32 <= one.heartbeat_interval_s < _INT32:
        raise ValueError("soft_deadline_unix or heartbeat_interval_s is out of range")
    one.activity_id = activity_id
    one.inputs = [_input(entry, i) for i, entry in enumerate(one.inputs)]
    return one


def completion(run):
    """The Completion of a run that has ended."""
    outcome = run.outcome
    return {"activity_id": run.key[0], "run_id": run.key[1], "status": outcome.status, "result_ref": outcome.result_ref,
            "result_inline": base64.b64encode(outcome.result_inline).decode(), "error": outcome.error}


def status(run):
    """What GET /tasks/{id}/status answers of a run."""
    percent, message, checkpoint = run.said or (0, "", "")
    out = {"activity_id": run.key[0], "run_id": run.key[1], "status": "running" if run.is_begun else "pending", "progress": percent, "message": message,
           "checkpoint_ref": checkpoint, "result_ref": "", "result_inline": "", "error": ""}
    if run.outcome:
        ended = completion(run)
        out.update({key: ended[key] for key in ("result_ref", "result_inline", "error")}, status="failed" if ended["status"] == "ERROR" else "completed")
        if ended["status"] == "SKIPPED":
            out["skipped"] = True
    return out


def _input(entry, i):
    one = _members(entry, _INPUT, f"input {i + 1}")
    try:
        one.inline_bytes = base64.b64decode(one.inline_bytes, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"inline_bytes of input {i + 1} is not base64") from None
    return one


def _members(value, types, what):
    if not isinstance(value, dict):
        raise ValueError(f"{what} must be an object")
    out = SimpleNamespace()
    for key, type_ in types.items():
        given = value.get(key)
        if given is None:
            given = type_()
        if type(given) is not type_:
            raise ValueError(f'"{key}" of {what} must be {_NAMES[type_]}')
        setattr(out, key, given)
    return out
