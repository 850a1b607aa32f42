"""Manifests that RemotePipeline fetches, and what may be wrong on the way; and manifests that lead back to themselves."""
import json
import os
import unittest

from program import DEAD_LETTERS, INVALID, lines, node, pipeline
from remote_source_test import ALLOWED, DOUBLE
from remote_test import Host, RemoteCase, dead_endpoint, remote
from web import Web

SECRET = "Bearer a-secret-of-ours"
HERE = {"HEDDLE_FETCH_ALLOW": "127.0.0.1"}


def fetched(url, *hosts, **params):
    return remote("", *hosts, manifest_source={"type": "url", "url": url}, **params)


class Fetched(RemoteCase):
    def write_remote(self, params, **entry):
        return self.write("m.json", pipeline(node("there", "RemotePipeline", params, **entry)))

    def fails(self, params, why, *never, env=HERE, passes=False):
        """A run that cannot start, or, where it `passes`, whose items fail; each of `never` is in nothing that is said."""
        answer = self.heddle("run", self.write_remote(params), "--input", "-", "--dead-letters", self.path("letters"), stdin=lines([1]), code=None, env=env)
        self.assertEqual(answer.code, DEAD_LETTERS if passes else INVALID, answer)
        if passes:
            letter = json.loads(self.read("letters"))
            os.remove(self.path("letters"))
            self.assertEqual((letter["item"], letter["code"], letter["class"], letter["details"]["code"]), (1, "ManifestFetchFailed", "retryable", "ManifestFetchFailed"))
            (attempt,) = letter["details"]["attempts"]
            self.assertIn(attempt["endpoint"], letter["message"])
            self.assertIn(attempt["error"], letter["message"])
            for text in never:
                self.assertNotIn(text, json.dumps(letter))
        self.assertIn("ManifestFetchFailed: ", answer.err)
        self.assertIn(why, answer.err)
        self.assertRegex(answer.err, r"\(after \d+ ms\)")
        for text in never:
            self.assertNotIn(text, answer.err + answer.out)
        return answer

    def test_a_manifest_is_fetched_and_goes_along(self):
        host, web = Host(self, "a", {}, execute=ALLOWED), Web(self, {"/double": json.dumps(DOUBLE).encode(), "/named/a%20b%2Fc": json.dumps(DOUBLE).encode()})
        web.answers["/here"] = (302, {"Location": "double?token=1"}, b"")
        for path in ("/double", "/here"):
            self.assertEqual(self.call(fetched(web.url + path, host), [1, 2], env=HERE).items, [2, 4])
        self.assertEqual(self.call(fetched(web.url.replace("127.0.0.1", "localhost") + "/double", host), [1], env={"HEDDLE_FETCH_ALLOW": "127.0.0.0/8, ::1"}).items, [2])
        for more in ({"manifest_url": web.url + "/double", "auth_header": SECRET}, {"pipeline_name": "a b/c", "manifest_endpoint": web.url + "/named/", "auth_header": SECRET}):
            params = {"transport": "http", "endpoints": [host.endpoint], **more}
            old = {"version": "v1", "nodes": [{"id": "r", "node_type": "RemotePipelineNode", "params": params}]}
            answer = self.heddle("run", self.write("old.json", old), "--input", "-", "-v", stdin=lines([4]), env=HERE)
            self.assertEqual(answer.items, [8])
            self.assertNotIn(SECRET, answer.err)
            self.assertEqual(web.asked[-1][1]["Authorization"], SECRET)

    def test_what_cannot_be_fetched_says_why(self):
        def endless(request):
            request.send_response(200)
            request.end_headers()
            try:
                while not web.over.is_set():
                    request.wfile.write(b" " * 65536)
            except OSError:
                pass  # the other side has had enough

        def never(request):
            web.over.wait()

        web = Web(self, {"/endless": endless, "/never": never, "/text": b"<html>", "/list": b"[1]", "/500": (500, {}, b""), "/loop": (302, {"Location": "/loop"}, b""),
                         "/file": (302, {"Location": "file:///etc/passwd"}, b""), "/away": (302, {"Location": "http://10.0.0.1/x"}, b"")})
        for path, why in (("/endless", "larger than 16 MiB"), ("/never", "no whole answer in time"), ("/text", "not JSON"), ("/list", "must be a manifest, an object"), ("/500", "the answer is 500"),
                          ("/none", "the answer is 404"), ("/loop", "more than 5 redirects"), ("/file", "redirects to what is no URL of http or https"), ("/away", "10.0.0.1 is private")):
            with self.subTest(path=path):
                passes = path in ("/never", "/500", "/text", "/list")
                self.fails(fetched(f"{web.url.replace('://', '://me:pass-word@')}{path}?key=a-key", "localhost:1", timeout_ms=500 if path == "/never" else 20_000), f"{web.url}{path}: ", "pass-word", "a-key", passes=passes)
                self.fails(fetched(web.url + path, "localhost:1", timeout_ms=500 if path == "/never" else 20_000), why, passes=passes)
        self.assertEqual(web.paths().count("/loop"), 5 + 6)  # the first of them had the key
        self.fails(fetched("file:///etc/passwd", "localhost:1"), "no URL of http or https")
        self.fails(fetched(f"http://{dead_endpoint()}/x", "localhost:1"), "onnect", passes=True)

    def test_addresses_that_are_not_public_are_not_gone_to(self):
        web = Web(self, {"/double": json.dumps(DOUBLE).encode()})
        port = web.url.rsplit(":", 1)[1]
        for host, why in (("127.0.0.1", "127.0.0.1 is loopback"), ("localhost", "is loopback"), ("2130706433", "127.0.0.1 is loopback"), ("[::ffff:127.0.0.1]", "127.0.0.1 is loopback"), ("[::1]", "::1 is loopback"),
                          ("0.0.0.0", "0.0.0.0 is unspecified"), ("169.254.169.254", "169.254.169.254 is link-local"), ("192.168.1.1", "192.168.1.1 is private"), ("[fe80::1]", "is link-local"),
                          ("[fd00::1]", "fd00::1 is private"), ("224.0.0.1", "is multicast"), ("[64:ff9b::7f00:1]", "is reserved")):
            with self.subTest(host=host):
                self.fails(fetched(f"http://{host}:{port}/double", "localhost:1"), "manifests are not fetched from there: ", env={})
                self.fails(fetched(f"http://{host}:{port}/double", "localhost:1"), why, env={"HEDDLE_FETCH_ALLOW": "10.0.0.0/8"})
        self.assertEqual(web.asked, [])
        answer = self.heddle("run", self.write_remote(fetched(web.url, "localhost:1")), "--input", "-", code=INVALID, env={"HEDDLE_FETCH_ALLOW": "everything"})
        self.assertIn('HEDDLE_FETCH_ALLOW holds addresses and networks, such as 127.0.0.1 or 10.0.0.0/8, not "everything"', answer.err)

    def test_a_redirect_takes_no_secret_elsewhere(self):
        there = Web(self, {"/double": json.dumps(DOUBLE).encode()})
        here = Web(self, {"/double": (302, {"Location": there.url + "/double"}, b"")})
        host = Host(self, "a", {}, execute=ALLOWED)
        params = fetched(here.url + "/double", host)
        params["manifest_source"]["auth_header"] = SECRET
        self.assertEqual(self.call(params, [1], env=HERE).items, [2])
        self.assertEqual(here.asked[0][1]["Authorization"], SECRET)
        self.assertNotIn("Authorization", there.asked[0][1])
        plan = self.heddle("plan", self.write_remote(params), "--full", env=HERE)
        self.assertNotIn(SECRET, plan.out + plan.err)

    def test_a_host_fetches_it_once_for_many_items(self):
        web = Web(self, {"/double": (200, {"ETag": '"one"'}, json.dumps(DOUBLE).encode())})
        there = Host(self, "there", {}, execute=ALLOWED)
        middle = Host(self, "middle", {"p": pipeline(node("r", "RemotePipeline", fetched(web.url + "/double", there)))}, env=HERE)
        self.assertEqual(self.call(remote("p", middle), list(range(50))).items, [2 * n for n in range(50)])
        self.assertEqual(len(web.asked), 1)  # by the load of the pipeline; each execution after it has what is fresh

    def test_manifests_that_lead_back_to_themselves_are_refused_before_they_run(self):
        web = Web(self, {})
        again = pipeline(node("r", "RemotePipeline", fetched(web.url + "/again", "localhost:1")))
        web.answers["/again"] = json.dumps(again).encode()
        for verb in ("run", "plan", "validate"):
            answer = self.heddle(verb, self.write("m.json", again), code=INVALID, env=HERE)
            self.assertRegex(answer.err + answer.out, r"error\[recursion\]: the pipeline would run itself: test@([0-9a-f]{16}) -> test@\1")
        first, second = (pipeline(node("r", "RemotePipeline", fetched(web.url + path, "localhost:1"))) for path in ("/second", "/first"))
        web.answers.update({"/first": json.dumps(first).encode(), "/second": json.dumps(second, indent=1).encode()})
        answer = self.heddle("plan", self.write("m.json", pipeline(node("r", "RemotePipeline", remote("", "localhost:1", manifest_source={"type": "inline", "manifest": first})))), code=INVALID, env=HERE)
        self.assertRegex(answer.err, r"would run itself: test@[0-9a-f]{16} -> test@([0-9a-f]{16}) -> test@[0-9a-f]{16} -> test@\1")

    def test_too_many_in_a_row_are_refused(self):
        def nested(depth):
            manifest = DOUBLE
            for _ in range(depth - 1):
                manifest = {"version": "v1", "nodes": [{"id": "r", "node_type": "RemotePipelineNode", "params": {"transport": "http", "endpoint": "localhost:1", "manifest": json.dumps(manifest)}}]}
            return manifest
        self.heddle("validate", self.write("m.json", nested(10)))
        answer = self.heddle("validate", self.write("m.json", nested(11)), code=INVALID)
        self.assertIn("more than 10 pipelines would have each other run", answer.err + answer.out)

    def test_a_host_serves_no_pipelines_that_call_each_other_in_a_ring(self):
        own = dead_endpoint()
        a, b = (pipeline(node("r", "RemotePipeline", remote(name, "http://" + own.replace("127.0.0.1", "localhost")))) for name in ("b", "a"))
        os.makedirs(self.path("ring"))
        self.write("ring/a.json", a)
        self.write("ring/b.json", b)
        answer = self.heddle("serve", "--config", self.write("host.json", {"listen": [{"endpoint": own}], "pipelines": self.path("ring")}), code=INVALID)
        self.assertRegex(answer.err, r"would run itself: a@([0-9a-f]{16}) -> b@[0-9a-f]{16} -> a@\1")


if __name__ == "__main__":
    unittest.main()
