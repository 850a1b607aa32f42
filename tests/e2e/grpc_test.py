"""A client that was generated from the .proto, in Python, against a running host that listens on gRPC."""
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import unittest

import grpc

from host import HostCase
from program import OK, SOURCE, TIMEOUT, node, pipeline

GENERATED = tempfile.mkdtemp(prefix="heddle-proto-")
unittest.addModuleCleanup(shutil.rmtree, GENERATED, True)
subprocess.run(["protoc", f"--python_out={GENERATED}", f"--grpc_python_out={GENERATED}", f"--plugin=protoc-gen-grpc_python={shutil.which('grpc_python_plugin')}",
                "-I", f"{SOURCE}/sdk/proto", f"{SOURCE}/sdk/proto/heddle/v1/heddle.proto"], check=True)
sys.path.append(GENERATED)
from heddle.v1 import heddle_pb2 as pb, heddle_pb2_grpc  # noqa: E402

HEALTH = "/grpc.health.v1.Health/Check"
WATCH = "/grpc.health.v1.Health/Watch"
SERVING, NOT_SERVING, SERVICE_UNKNOWN = b"\x08\x01", b"\x08\x02", b"\x08\x03"  # HealthCheckResponse{status}
TOKENS = [{"name": "all", "token": "a-token-for-everything", "scopes": ["read", "submit", "admin"]}, {"name": "eyes", "token": "a-token-for-reading", "scopes": ["read"]}]


class GrpcCase(HostCase):
    def serve_grpc(self, params=None, limits=None, **config):
        os.makedirs(self.path("served"), exist_ok=True)
        self.write("served/same.json", pipeline(node("log", "Log", {"message": "here"})))
        listen = {"transport": "grpc", "endpoint": "127.0.0.1:0", "params": params or {}, "limits": limits or {}}
        self.host = self.serve(listen=[{"endpoint": "127.0.0.1:0"}, listen], **config)
        self.endpoint = self.listeners[1]["endpoint"]
        return self.stub()

    def stub(self, credentials=None):
        self.channel = grpc.secure_channel(self.endpoint, credentials) if credentials else grpc.insecure_channel(self.endpoint)
        self.addCleanup(self.channel.close)
        return heddle_pb2_grpc.HostStub(self.channel)

    def health(self, request=b"", metadata=None):
        return self.channel.unary_unary(HEALTH)(request, timeout=TIMEOUT, metadata=metadata)

    def refused(self, code, ask):
        """The failure of a call that must fail so, and its trailing metadata."""
        with self.assertRaises(grpc.RpcError) as caught:
            ask()
        self.assertEqual(caught.exception.code(), code, caught.exception)
        return caught.exception, dict(caught.exception.trailing_metadata())


class Grpc(GrpcCase):
    def test_a_pipeline_is_run(self):
        host = self.serve_grpc()
        reply = host.Execute(pb.ExecuteRequest(pipeline="double", input=b"21"), timeout=TIMEOUT)
        self.assertEqual([json.loads(text) for text in reply.outputs], [42])
        self.assertEqual(list(reply.failed), [])

    def test_a_manifest_that_comes_along_is_run(self):
        host = self.serve_grpc(execute={"inline": True, "node_types": ["Multiply"]})
        manifest = json.dumps(pipeline(node("m", "Multiply", {"multiplier": 3})), indent=2).encode()
        reply = host.Execute(pb.ExecuteRequest(manifest=manifest, input=b"[1]"), timeout=TIMEOUT)
        self.assertEqual([json.loads(text)["node"] for text in reply.failed], ["m"])  # one item, whatever it is
        self.assertEqual([json.loads(text) for text in host.Execute(pb.ExecuteRequest(manifest=manifest, input=b"7"), timeout=TIMEOUT).outputs], [21])

        def items():
            yield pb.StreamRequest(open=pb.StreamRequest.Open(manifest=manifest))
            for i in range(300):
                yield pb.StreamRequest(item=str(i).encode())
            yield pb.StreamRequest(end=pb.StreamRequest.End())
        self.assertEqual([json.loads(r.output) for r in host.Stream(items(), timeout=TIMEOUT) if r.HasField("output")], [3 * i for i in range(300)])
        for wrong, why in ((b"{", "the manifest"), (b"[]", "must be an object"), (json.dumps(pipeline(node("p", "PassThrough"))).encode(), 'may not use the node type "PassThrough"')):
            error, _ = self.refused(grpc.StatusCode.INVALID_ARGUMENT, lambda: host.Execute(pb.ExecuteRequest(manifest=wrong, input=b"1"), timeout=TIMEOUT))
            if wrong != b"{":
                self.assertIn(why, error.details())
            opened = [pb.StreamRequest(open=pb.StreamRequest.Open(manifest=wrong)), pb.StreamRequest(end=pb.StreamRequest.End())]
            self.refused(grpc.StatusCode.INVALID_ARGUMENT, lambda: list(host.Stream(iter(opened), timeout=TIMEOUT)))

    def test_an_item_that_fails_says_so_and_the_call_is_well(self):
        host = self.serve_grpc()
        reply = host.Execute(pb.ExecuteRequest(pipeline="never", input=b"1"), timeout=TIMEOUT)
        self.assertEqual(list(reply.outputs), [])
        failed = json.loads(reply.failed[0])
        self.assertEqual(failed["node"], "a")
        self.assertIn("not enough", failed["message"])

    def test_a_stream_of_items_comes_back_in_order(self):
        host = self.serve_grpc()

        def items():
            yield pb.StreamRequest(open=pb.StreamRequest.Open(pipeline="double"))
            for i in range(2000):
                yield pb.StreamRequest(item=str(i).encode())
            yield pb.StreamRequest(end=pb.StreamRequest.End())
        outputs = [json.loads(r.output) for r in host.Stream(items(), timeout=TIMEOUT) if r.HasField("output")]
        self.assertEqual(outputs, [2 * i for i in range(2000)])

    def test_a_stream_is_a_conversation(self):
        host = self.serve_grpc()
        said = queue.Queue()
        said.put(pb.StreamRequest(open=pb.StreamRequest.Open(pipeline="double")))
        heard = host.Stream(iter(said.get, None), timeout=TIMEOUT)
        outputs = (json.loads(reply.output) for reply in heard if reply.HasField("output"))
        item = 1
        while item < 2 ** 20:
            said.put(pb.StreamRequest(item=str(item).encode()))
            item = next(outputs)
        said.put(pb.StreamRequest(end=pb.StreamRequest.End()))
        said.put(None)
        self.assertEqual(list(outputs), [])

    def test_an_item_of_a_stream_that_is_no_json_fails_alone(self):
        host = self.serve_grpc()
        items = [pb.StreamRequest(open=pb.StreamRequest.Open(pipeline="double"))]
        items += [pb.StreamRequest(item=item) for item in (b"1", b"{oops", b"3")]
        replies = [r for r in host.Stream(iter(items + [pb.StreamRequest(end=pb.StreamRequest.End())]), timeout=TIMEOUT) if not r.HasField("credit")]
        self.assertEqual([r.output for r in replies if r.HasField("output")], [b"2", b"6"])
        failed = [json.loads(r.failed) for r in replies if r.HasField("failed")]
        self.assertEqual([f["node"] for f in failed], ["input"])
        self.assertIn("item 2 is not JSON: line 1, column 2", failed[0]["message"])

    def test_an_only_item_goes_with_the_opening(self):
        host = self.serve_grpc()
        opening = pb.StreamRequest(open=pb.StreamRequest.Open(pipeline="double", credit=1, item=b"21"))
        replies = list(host.Stream(iter([opening]), timeout=TIMEOUT))
        self.assertEqual([reply.WhichOneof("said") for reply in replies], ["output"])
        self.assertEqual(replies[0].output, b"42")
        slow = pb.StreamRequest(open=pb.StreamRequest.Open(pipeline="slow", item=b"1"))
        self.refused(grpc.StatusCode.INVALID_ARGUMENT, lambda: list(host.Stream(iter([slow, pb.StreamRequest(item=b"2")]), timeout=TIMEOUT)))

    def test_results_come_against_credit_and_no_further(self):
        host = self.serve_grpc()
        more, over = threading.Event(), threading.Event()

        room = threading.Semaphore(0)

        def said():
            yield pb.StreamRequest(open=pb.StreamRequest.Open(pipeline="double", credit=3))
            for i in range(5):
                room.acquire(timeout=TIMEOUT)
                yield pb.StreamRequest(item=str(i).encode())
            yield pb.StreamRequest(end=pb.StreamRequest.End())
            more.wait(TIMEOUT)
            yield pb.StreamRequest(credit=2)
            over.wait(TIMEOUT)
        heard = []
        for reply in host.Stream(said(), timeout=TIMEOUT):
            if reply.HasField("credit"):
                room.release(reply.credit)
            if reply.HasField("output"):
                heard.append(json.loads(reply.output))
                if len(heard) == 3:
                    more.set()
                elif len(heard) > 3:
                    self.assertTrue(more.is_set())
        over.set()
        self.assertEqual(heard, [0, 2, 4, 6, 8])

    def test_a_client_that_counts_does_so_both_ways(self):
        host = self.serve_grpc()
        hasty = [pb.StreamRequest(open=pb.StreamRequest.Open(pipeline="slow", credit=3))] + [pb.StreamRequest(item=b"1")] * 20_000
        error, _ = self.refused(grpc.StatusCode.INVALID_ARGUMENT, lambda: list(host.Stream(iter(hasty), timeout=TIMEOUT)))
        self.assertIn("without credit", error.details())

    def test_credit_that_never_comes_ends_the_call(self):
        host = self.serve_grpc(limits={"request_ms": 200})
        said = queue.Queue()
        said.put(pb.StreamRequest(open=pb.StreamRequest.Open(pipeline="double", credit=1)))
        heard = host.Stream(iter(said.get, None))
        self.assertTrue(next(heard).credit)
        said.put(pb.StreamRequest(item=b"1"))
        said.put(pb.StreamRequest(item=b"2"))
        error, _ = self.refused(grpc.StatusCode.DEADLINE_EXCEEDED, lambda: list(heard))
        said.put(None)
        self.assertRegex(error.details(), "no (item|credit) came for 200 ms")

    def test_what_is_wrong_is_said(self):
        host = self.serve_grpc()
        error, said = self.refused(grpc.StatusCode.NOT_FOUND, lambda: host.Execute(pb.ExecuteRequest(pipeline="duble", input=b"1"), timeout=TIMEOUT))
        self.assertEqual(error.details(), 'there is no pipeline "duble"; did you mean "double"?')
        self.assertEqual((said["heddle-code"], said["heddle-class"]), ("not-found", "permanent"))
        error, _ = self.refused(grpc.StatusCode.INVALID_ARGUMENT, lambda: host.Execute(pb.ExecuteRequest(pipeline="double", input=b"{"), timeout=TIMEOUT))
        self.assertIn("not JSON: line 1, column 2", error.details())
        self.refused(grpc.StatusCode.INVALID_ARGUMENT, lambda: host.Execute(pb.ExecuteRequest(input=b"1"), timeout=TIMEOUT))
        self.refused(grpc.StatusCode.INVALID_ARGUMENT, lambda: list(host.Stream(iter([pb.StreamRequest(item=b"1")]), timeout=TIMEOUT)))
        self.refused(grpc.StatusCode.INVALID_ARGUMENT, lambda: list(host.Stream(iter([]), timeout=TIMEOUT)))
        unended = [pb.StreamRequest(open=pb.StreamRequest.Open(pipeline="double")), pb.StreamRequest(item=b"1")]
        self.refused(grpc.StatusCode.INVALID_ARGUMENT, lambda: list(host.Stream(iter(unended), timeout=TIMEOUT)))
        self.refused(grpc.StatusCode.INVALID_ARGUMENT, lambda: self.channel.unary_unary("/heddle.v1.Host/Execute")(b"\xff\xff", timeout=TIMEOUT))
        self.refused(grpc.StatusCode.UNIMPLEMENTED, lambda: self.channel.unary_unary("/heddle.v1.Host/Nothing")(b"", timeout=TIMEOUT))

    def test_a_deadline_and_a_cancel_end_the_run(self):
        host = self.serve_grpc()
        self.refused(grpc.StatusCode.DEADLINE_EXCEEDED, lambda: host.Execute(pb.ExecuteRequest(pipeline="slow", input=b"1"), timeout=0.3))
        call = host.Execute.future(pb.ExecuteRequest(pipeline="slow", input=b"1"), timeout=TIMEOUT)
        call.cancel()
        self.stop(self.host)  # with a run of ten minutes left it would be cut off, and say so

    def test_pipelines_types_and_version(self):
        host = self.serve_grpc()
        names = [p.name for p in host.ListPipelines(pb.ListPipelinesRequest(), timeout=TIMEOUT).pipelines]
        self.assertEqual(names, sorted(["double", "slow", "soon", "never", "same"]))
        types = host.ListNodeTypes(pb.ListNodeTypesRequest(), timeout=TIMEOUT)
        echo = next(t for t in types.types if t.name == "Echo")
        self.assertEqual((echo.plugin, list(echo.aliases), json.loads(echo.capabilities)), ("node_std", ["EchoNode"], {}))
        self.assertEqual(json.loads(types.capabilities)["arch"], os.uname().machine)
        version = host.Version(pb.VersionRequest(), timeout=TIMEOUT)
        self.assertEqual(json.loads(version.host)["version"], version.version)
        self.assertEqual(json.loads(version.host)["pid"], self.host.pid)

    def test_health_and_reflection(self):
        self.serve_grpc()
        self.assertEqual(self.health(), SERVING)
        self.assertEqual(self.health(b"\x0a\x0eheddle.v1.Host"), SERVING)
        self.refused(grpc.StatusCode.NOT_FOUND, lambda: self.health(b"\x0a\x05other"))
        reflect = self.channel.stream_stream("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo")
        services = next(reflect(iter([b"\x3a\x01*"]), timeout=TIMEOUT))  # ServerReflectionRequest{list_services: "*"}
        self.assertIn(b"heddle.v1.Host", services)
        self.assertIn(b"grpc.health.v1.Health", services)
        file = next(reflect(iter([b"\x22\x0eheddle.v1.Host"]), timeout=TIMEOUT))  # {file_containing_symbol}
        self.assertIn(b"ExecuteRequest", file)

    def test_health_is_watched_until_the_host_stops(self):
        self.serve_grpc(drain_ms=60_000)
        watch = self.channel.unary_stream(WATCH)
        stream, of_host = watch(b"", timeout=TIMEOUT), watch(b"\x0a\x0eheddle.v1.Host", timeout=TIMEOUT)
        self.assertEqual((next(stream), next(of_host)), (SERVING, SERVING))
        other = watch(b"\x0a\x05other", timeout=TIMEOUT)
        self.assertEqual(next(other), SERVICE_UNKNOWN)  # and it goes on: the service may come
        left = watch(b"", timeout=TIMEOUT)
        self.assertEqual(next(left), SERVING)
        left.cancel()
        self.refused(grpc.StatusCode.INVALID_ARGUMENT, lambda: list(watch(b"\xff", timeout=TIMEOUT)))
        self.host.send_signal(signal.SIGTERM)
        for open_one in (stream, of_host, other):
            self.assertEqual(next(open_one), NOT_SERVING)
            self.refused(grpc.StatusCode.UNAVAILABLE, lambda: next(open_one))
        self.assertEqual(self.host.wait(timeout=TIMEOUT), OK)  # long before its time is over: who watches keeps no host

    def test_a_watch_ends_with_its_token(self):
        self.serve_grpc(auth={"tokens": TOKENS})
        watch = self.channel.unary_stream(WATCH)
        stream = watch(b"", timeout=TIMEOUT, metadata=(("authorization", "Bearer a-token-for-reading"),))
        self.assertEqual(next(stream), SERVING)
        config = json.loads(self.read("host.json"))
        self.write("host.json", {**config, "auth": {"tokens": TOKENS[:1]}})
        self.heddle("apply", env={"HEDDLE_TOKEN": "a-token-for-everything"})
        self.refused(grpc.StatusCode.UNAUTHENTICATED, lambda: next(stream))

    def test_reflection_can_be_left_out(self):
        self.serve_grpc({"reflection": False})
        reflect = self.channel.stream_stream("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo")
        self.refused(grpc.StatusCode.UNIMPLEMENTED, lambda: next(reflect(iter([b"\x3a\x01*"]), timeout=TIMEOUT)))

    def test_a_token_is_good_for_its_scopes(self):
        self.serve_grpc(auth={"tokens": TOKENS})
        request = pb.ExecuteRequest(pipeline="double", input=b"1")
        eyes, all = (("authorization", "Bearer a-token-for-reading"),), (("authorization", "bearer a-token-for-everything"),)
        host = heddle_pb2_grpc.HostStub(self.channel)
        self.assertEqual(self.health(metadata=eyes), SERVING)
        self.refused(grpc.StatusCode.PERMISSION_DENIED, lambda: host.Execute(request, timeout=TIMEOUT, metadata=eyes))
        self.assertEqual(host.Execute(request, timeout=TIMEOUT, metadata=all).outputs, [b"2"])

    def test_packed_messages_are_not_taken(self):
        host = self.serve_grpc()
        self.refused(grpc.StatusCode.UNIMPLEMENTED,
                     lambda: host.Execute(pb.ExecuteRequest(pipeline="double", input=b" " * 10_000 + b"1"), timeout=TIMEOUT, compression=grpc.Compression.Gzip))

    def test_a_request_that_does_not_come_to_its_end_is_given_up(self):
        host = self.serve_grpc(limits={"request_ms": 200})
        over = threading.Event()

        def said():
            yield pb.StreamRequest(open=pb.StreamRequest.Open(pipeline="double"))
            over.wait(TIMEOUT)
        error, said_back = self.refused(grpc.StatusCode.DEADLINE_EXCEEDED, lambda: list(host.Stream(said())))
        over.set()
        self.assertEqual(said_back["heddle-code"], "request-timeout")
        self.assertIn("no item came for 200 ms", error.details())

    def test_tls(self):
        key = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=here",
               "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", self.path("key.pem"), "-out", self.path("cert.pem")]
        subprocess.run(key, check=True, stderr=subprocess.DEVNULL)
        self.serve_grpc({"tls": {"certificate": self.path("cert.pem"), "key": self.path("key.pem")}})
        host = self.stub(grpc.ssl_channel_credentials(self.read("cert.pem")))
        self.assertEqual(host.Execute(pb.ExecuteRequest(pipeline="double", input=b"1"), timeout=TIMEOUT).outputs, [b"2"])


if __name__ == "__main__":
    unittest.main()
