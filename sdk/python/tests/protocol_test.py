"""The tables of the messages say what the .proto says."""
import subprocess
import unittest

from google.protobuf import descriptor_pb2

from host_client import SOURCE, WorkerCase
from heddle_worker import protocol


def shape(file):
    out = {}
    for message in file.message_type:
        oneofs = [one.name for one in message.oneof_decl]
        out[message.name] = [(f.name, f.number, f.type, f.label, f.type_name, oneofs[f.oneof_index] if f.HasField("oneof_index") else None) for f in message.field]
    for service in file.service:
        out[service.name] = [(m.name, m.input_type, m.output_type, m.client_streaming, m.server_streaming) for m in service.method]
    return file.package, file.syntax, out


class Protocol(WorkerCase):
    def test_the_tables_are_the_proto(self):
        subprocess.run(["protoc", f"--descriptor_set_out={self.path('set')}", "-I", f"{SOURCE}/sdk/proto", f"{SOURCE}/sdk/proto/execution/v1/execution.proto"], check=True)
        with open(self.path("set"), "rb") as file:
            compiled = descriptor_pb2.FileDescriptorSet.FromString(file.read()).file[0]
        self.assertEqual(shape(protocol.file_descriptor()), shape(compiled))

    def test_a_message_goes_there_and_back(self):
        one = protocol.Envelope(assign=protocol.TaskAssignment(activity_id="a", inputs=[dict(name="n", inline_bytes=b"\xff")], soft_deadline_unix=1 << 40))
        self.assertEqual(protocol.Envelope.FromString(one.SerializeToString()), one)
        self.assertEqual(protocol.Envelope(drain=protocol.Drain()).SerializeToString(), b"\x52\x00")


if __name__ == "__main__":
    unittest.main()
