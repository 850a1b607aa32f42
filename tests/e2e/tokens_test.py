"""Every route of every transport asks for a token: the list of them comes from the running host itself, the OpenAPI document for HTTP and gRPC's reflection."""
import http.client
import json
import re
import sys
import unittest

import grpc
from google.protobuf import descriptor_pb2

from grpc_test import GENERATED, TOKENS, GrpcCase
from program import TIMEOUT

sys.path.append(GENERATED)
from heddle.v1 import heddle_pb2 as pb  # noqa: E402

REFLECTION = "grpc.reflection.v1alpha.ServerReflection"
WRONG = [None, "Bearer wrong", "Bearer ", "Bearer a-token-for-everythin", "Bearer A-token-for-everything", "Basic a-token-for-everything", "a-token-for-everything"]
# What a method takes where an empty message is no request, so that it is the token that is missing. A method that has to stand here and does not fails the test.
MESSAGES = {
    "Execute": [pb.ExecuteRequest(pipeline="double", input=b"1")],
    "ExecuteEach": [pb.ExecuteEachRequest(pipeline="double", items=[b"1"])],
    "Stream": [pb.StreamRequest(open=pb.StreamRequest.Open(pipeline="double")), pb.StreamRequest(end=pb.StreamRequest.End())],
}


def varint(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if data[at - 1] < 0x80:
            return value, at


def members(message, number):
    """The values of a field that is bytes, text or a message."""
    found, at = [], 0
    while at < len(message):
        key, at = varint(message, at)
        value, at = varint(message, at)
        if key & 7 == 2:
            if key >> 3 == number:
                found.append(message[at:at + value])
            at += value
    return found


class Tokens(GrpcCase):
    def setUp(self):
        super().setUp()
        self.serve_grpc(auth={"tokens": TOKENS})

    def http(self, method, path, authorization=None, body=None):
        """Status and JSON, without anything that a library would add."""
        connection = http.client.HTTPConnection(self.listeners[0]["endpoint"], timeout=TIMEOUT)
        headers = {"Content-Type": "application/json"} if body else {}
        if authorization is not None:
            headers["Authorization"] = authorization
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        return answer.status, json.loads(text) if text else None

    def routes(self):
        status, document = self.http("GET", "/v1/openapi.json", "Bearer a-token-for-everything")
        self.assertEqual(status, 200)
        return [(method.upper(), re.sub(r"\{[^}]*\}", "1", path), "{}" if "requestBody" in operation else None, operation["x-heddle-scope"])
                for path, operations in document["paths"].items() for method, operation in operations.items()]

    def test_every_route_of_http(self):
        routes = self.routes()
        self.assertGreater(len(routes), 25)
        for path in ("/health", "/metrics", "/v1/remotes", "/v1/types", "/v1/reload"):
            self.assertIn(path, [route[1] for route in routes])
        for method, path, body, scope in routes:
            for authorization in WRONG:
                status, answer = self.http(method, path, authorization, body)
                self.assertEqual((status, answer["error"]["code"]), (401, "unauthenticated"), (method, path, authorization))
            if scope != "read":
                status, answer = self.http(method, path, "Bearer a-token-for-reading", body)
                self.assertEqual((status, answer["error"]["code"]), (403, "denied"), (method, path))
        for method, path in [("GET", "/"), ("GET", "/v1"), ("POST", "/v1/nothing"), ("DELETE", "/health"), ("OPTIONS", "/v1/jobs"), ("HEAD", "/v1/jobs")]:
            self.assertEqual(self.http(method, path)[0], 401, (method, path))

    def reflect(self, request):
        return next(self.channel.stream_stream(f"/{REFLECTION}/ServerReflectionInfo")(iter([request]), timeout=TIMEOUT))

    def methods(self):
        """("service", "method") of all that the server has."""
        (services,) = members(self.reflect(b"\x3a\x01*"), 6)  # {list_services: "*"}: list_services_response
        out = []
        for service in (members(one, 1)[0].decode() for one in members(services, 1)):
            (answer,) = members(self.reflect(b"\x22" + bytes([len(service)]) + service.encode()), 4)  # {file_containing_symbol}: file_descriptor_response
            for file in map(descriptor_pb2.FileDescriptorProto.FromString, members(answer, 1)):
                out += [(service, method.name) for described in file.service if f"{file.package}.{described.name}" == service for method in described.method]
        return out

    def test_every_method_of_grpc(self):
        methods = self.methods()
        known = {("heddle.v1.Host", m.name) for m in pb.DESCRIPTOR.services_by_name["Host"].methods} | {("grpc.health.v1.Health", "Check"), ("grpc.health.v1.Health", "Watch")}
        self.assertEqual(set(methods), known | {(REFLECTION, "ServerReflectionInfo")})  # which says nothing of the host: it is open
        for service, method in sorted(known):
            ask = self.channel.stream_stream(f"/{service}/{method}")
            said = [m.SerializeToString() for m in MESSAGES.get(method, [])] or [b""]
            for authorization in WRONG:
                metadata = [("authorization", authorization)] if authorization is not None else None
                with self.subTest(method=f"{service}/{method}", authorization=authorization):
                    error, trailing = self.refused(grpc.StatusCode.UNAUTHENTICATED, lambda: list(ask(iter(said), timeout=TIMEOUT, metadata=metadata)))
                    self.assertEqual(trailing["heddle-code"], "unauthenticated")
        sent = pb.ExecuteRequest(manifest=b"{}", input=b"1").SerializeToString()  # is another operation of the host
        self.refused(grpc.StatusCode.UNAUTHENTICATED, lambda: list(self.channel.stream_stream("/heddle.v1.Host/Execute")(iter([sent]), timeout=TIMEOUT)))
        self.refused(grpc.StatusCode.UNIMPLEMENTED, lambda: list(self.channel.stream_stream("/heddle.v1.Host/Nothing")(iter([b""]), timeout=TIMEOUT)))


if __name__ == "__main__":
    unittest.main()
