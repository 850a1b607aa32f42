"""The messages of execution.v1, made at import from the tables below: nothing generated, nothing to compile.

The contract is sdk/proto/execution/v1/execution.proto; a test compares the two.
"""
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

PACKAGE = "execution.v1"
SERVICE, METHOD = f"{PACKAGE}.Execution", "TaskStream"
VERSIONS = ("1.0.0", "1.0.0")  # which versions of the protocol are spoken here, both ends included

_FIELD = descriptor_pb2.FieldDescriptorProto
_SCALARS = {"string": _FIELD.TYPE_STRING, "bytes": _FIELD.TYPE_BYTES, "uint32": _FIELD.TYPE_UINT32, "int64": _FIELD.TYPE_INT64, "int32": _FIELD.TYPE_INT32}

# Message → fields, in the order of their numbers, which begin with 1. "*" marks what is repeated.
_ENVELOPE = ("hello Version, hello_ack Version, capabilities Capabilities, capacity CapacityUpdate, assign TaskAssignment, ack Ack, "
             "progress Progress, completion Completion, cancel Cancel, drain Drain")  # one of them at a time: msg
_MESSAGES = {
    "Version": "min string, max string",
    "Capabilities": "max_concurrency uint32, tags *string",
    "CapacityUpdate": "available_slots uint32",
    "InputDescriptor": "name string, media_type string, ref string, inline_json string, inline_bytes bytes",
    "TaskAssignment": "activity_id string, workflow_instance_id string, run_id string, task_kind string, task_version string, inputs *InputDescriptor, "
                      "upload_prefix string, soft_deadline_unix int64, heartbeat_interval_s int32",
    "Ack": "activity_id string, run_id string",
    "Progress": "activity_id string, run_id string, percent uint32, message string, checkpoint_ref string",
    "Completion": "activity_id string, run_id string, status string, result_ref string, result_inline bytes, error string",
    "Cancel": "activity_id string, reason string",
    "Drain": "",
}


def _describe(file, name, fields, oneof=None):
    message = file.message_type.add(name=name)
    if oneof:
        message.oneof_decl.add(name=oneof)
    for number, entry in enumerate(fields.split(", ") if fields else (), 1):
        field_name, kind = entry.split()
        field = message.field.add(name=field_name, number=number, label=_FIELD.LABEL_REPEATED if kind.startswith("*") else _FIELD.LABEL_OPTIONAL)
        kind = kind.lstrip("*")
        if kind in _SCALARS:
            field.type = _SCALARS[kind]
        else:
            field.type, field.type_name = _FIELD.TYPE_MESSAGE, f".{PACKAGE}.{kind}"
        if oneof:
            field.oneof_index = 0


def file_descriptor():
    """The tables as a FileDescriptorProto."""
    file = descriptor_pb2.FileDescriptorProto(name="execution/v1/execution.proto", package=PACKAGE, syntax="proto3")
    _describe(file, "Envelope", _ENVELOPE, oneof="msg")
    for name, fields in _MESSAGES.items():
        _describe(file, name, fields)
    service = file.service.add(name="Execution")
    service.method.add(name=METHOD, input_type=f".{PACKAGE}.Envelope", output_type=f".{PACKAGE}.Envelope", client_streaming=True, server_streaming=True)
    return file


def _classes():
    pool = descriptor_pool.DescriptorPool()  # not the default one: whoever has generated code of the same file can be in this process too
    pool.Add(file_descriptor())
    make = getattr(message_factory, "GetMessageClass", None) or message_factory.MessageFactory(pool).GetPrototype
    return [make(pool.FindMessageTypeByName(f"{PACKAGE}.{name}")) for name in ("Envelope", *_MESSAGES)]


(Envelope, Version, Capabilities, CapacityUpdate, InputDescriptor, TaskAssignment, Ack, Progress, Completion, Cancel, Drain) = _classes()
