"""Nodes that cannot run here run on another host that offers what they need: asked while planning, said in the plan, and run for real."""
import json
import signal
import subprocess
import unittest

from program import DEAD_LETTERS, INVALID, OK, HeddleCase, node, pipeline
from remote_test import Host, dead_endpoint

OFFER = {"inline": True, "node_types": ["Multiply", "Echo", "Flaky"]}
SECRET = "the-token-of-the-other-host"


class Placement(HeddleCase):
    def far_host(self, **config):
        """A host that has the type Flaky, which this one has not."""
        return Host(self, "far", {}, execute=OFFER, plugin_dirs=[self.build_c_plugin("node_flaky")], **config)

    def configure(self, **remotes):
        self.write("heddle.json", {"remotes": remotes})  # of the folder that the program is started in

    def plan(self, manifest, code=OK):
        return self.heddle("plan", self.write("m.json", manifest), code=code)

    def test_a_node_whose_type_is_not_here_runs_where_it_is(self):
        host = self.far_host()
        self.configure(gone={"endpoints": [dead_endpoint()]}, far={"endpoints": [host.endpoint]})
        manifest = pipeline(node("m", "Multiply", {"multiplier": 2}), node("f", "Flaky"), node("e", "Echo"))
        self.assertRegex(self.plan(manifest).out, r'f\s.*remote: no installed plugin has its type "Flaky"; host "far": it has the type')
        answer = self.run_manifest(manifest, [1, 2])
        self.assertEqual([item["input"] for item in answer.items], [2, 4])
        self.assert_balanced(answer.report)
        where = {n["node"]: n["placement"] for n in answer.report["nodes"]}
        self.assertEqual((where["m"], where["f"].split(":")[0]), ("local", "remote"))

    def test_over_grpc_and_with_a_token(self):
        tokens = [{"name": "me", "token": SECRET, "scopes": ["submit", "read"]}]
        host = self.far_host(auth={"tokens": tokens}, listen=[{"transport": "grpc", "endpoint": "127.0.0.1:0"}])
        self.configure(far={"transport": "grpc", "endpoints": [host.endpoint], "auth_token": SECRET})
        manifest = pipeline(node("f", "Flaky"))
        self.assertEqual(self.run_manifest(manifest, [1]).items, [1])
        for said in (self.plan(manifest), self.heddle("plan", self.path("m.json"), "--full"), self.heddle("plan", self.path("m.json"), "--json")):
            self.assertNotIn(SECRET, said.out + said.err)
        self.configure(far={"transport": "grpc", "endpoints": [host.endpoint], "auth_token": "another"})
        self.assertRegex(self.plan(manifest, INVALID).err, r'host "far": it cannot be asked: .*token')

    def test_a_host_that_was_served_a_node_is_killed(self):
        host = self.far_host()
        self.configure(far={"endpoints": [host.endpoint]})
        run = self.start("run", self.write("m.json", pipeline(node("f", "Flaky"))), "--input", "-", "--dead-letters", self.path("letters"), stdin=subprocess.PIPE)
        run.stdin.write(b"1\n")
        run.stdin.flush()
        self.assertEqual(run.stdout.readline(), b"1\n")
        host.process.send_signal(signal.SIGKILL)
        self.assertEqual(self.finish(run, b"2\n").code, DEAD_LETTERS)
        letter = json.loads(self.read("letters").splitlines()[-1])  # the first item may not have been over when its result was here: then it has one, too
        self.assertEqual((letter["code"], letter["item"], letter["node"]), ("AllEndpointsFailed", 2, "f"))
        self.assertIn(host.endpoint, letter["message"])

    def test_the_host_of_a_node_is_named_by_its_manifest(self):
        host = self.far_host()
        self.assertEqual(self.run_manifest(pipeline(node("m", "Multiply", {"multiplier": 3}, host=host.endpoint)), [5]).items, [15])
        said = self.plan(pipeline(node("m", "Multiply", {"multiplier": 3}, host=dead_endpoint())), INVALID)
        self.assertRegex(said.err, r"cannot run here: it is to run on the host .*cannot be asked")

    def test_what_nobody_can_run_is_an_error_that_says_why_of_each(self):
        host = self.far_host()
        self.configure(far={"endpoints": [host.endpoint]})
        hungry = node("m", "Multiply", {"multiplier": 3}, capabilities={"memory_gb": 1_000_000})
        self.assertRegex(self.plan(pipeline(hungry), INVALID).err, r'needs 1000000 GB of memory, this host has .*host "far": the node needs 1000000 GB of memory, it has ')
        self.assertRegex(self.plan(pipeline(node("a", "Add", {"addend": 1}, execution={"placement": "remote"})), INVALID).err, r'host "far": it does not run the type "Add" for others')
        spare = [{**hungry, "execution": {"fallback": "spare"}}, node("spare", "Multiply", {"multiplier": 10}, standby=True)]
        self.assertEqual(self.run_manifest(pipeline(*spare, connections=[]), [1]).items, [10])

    def test_local_goes_first_and_nobody_is_asked_without_need(self):
        self.configure(gone={"endpoints": [dead_endpoint()]})
        self.assertEqual(self.run_manifest(pipeline(node("m", "Multiply", {"multiplier": 2})), [1]).items, [2])
        self.assertRegex(self.plan(pipeline(node("m", "Multiply", {"multiplier": 2}, execution={"placement": "prefer_remote"}))).out, r'local: .*host "gone": it cannot be asked')

    def test_a_served_pipeline_uses_the_hosts_of_its_configuration(self):
        far = self.far_host()
        near = Host(self, "near", {"both": pipeline(node("f", "Flaky"))}, remotes={"far": {"endpoints": [far.endpoint]}})
        params = {"transport": "http", "endpoints": [near.endpoint], "manifest_source": {"type": "name", "name": "both"}}
        self.assertEqual(self.run_manifest(pipeline(node("r", "RemotePipeline", params)), [7]).items, [7])

    def test_a_configuration_that_is_wrong_is_shown_with_its_place(self):
        rows = (({"endpoints": ["gpu.example:1"]}, r'open-remote.*on another machine'), ({"endpoints": []}, "at least one"), ({"endpoint": "127.0.0.1:1"}, r'did you mean "endpoints"'))
        for remote, why in rows:
            with self.subTest(why=why):
                self.configure(far=remote)
                said = self.plan(pipeline(node("f", "Flaky")), INVALID)
                self.assertRegex(" ".join(said.err.split()), why)


if __name__ == "__main__":
    unittest.main()
