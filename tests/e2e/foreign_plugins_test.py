"""A plugin in C11 with plugin-api alone and one in C++20 with the SDK, both built outside the tree, in one pipeline."""
import json
import os
import shutil
import subprocess
import unittest

from program import BUILD, DEAD_LETTERS, INVALID, HeddleCase, node, pipeline


class ForeignPlugins(HeddleCase):
    def sh(self, *command):
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, env=self.environment(), check=False)
        self.assertEqual(done.returncode, 0, f"{command}\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def setUp(self):
        super().setUp()
        here = os.path.dirname(os.path.abspath(__file__))
        shutil.copytree(os.path.join(here, "foreign"), self.path("stranger"))
        self.plugins = self.path("plugins")
        os.mkdir(self.plugins)

    def build_cpp(self):
        # Against the installed package, as a stranger has it: only plugin-api and the SDK are installed.
        prefix = self.path("installed")
        self.sh("cmake", "--install", BUILD, "--component", "dev", "--prefix", prefix)
        self.sh("cmake", "-S", "stranger", "-B", "stranger-build", "-DCMAKE_BUILD_TYPE=Release", f"-DCMAKE_PREFIX_PATH={prefix}")
        self.sh("cmake", "--build", "stranger-build")
        shutil.copy(self.path("stranger-build/plugins/node_scale.so"), self.plugins)

    def exported(self, plugin):
        out = self.sh("nm", "-D", "--defined-only", f"{self.plugins}/{plugin}.so")
        return [line.split()[-1] for line in out.splitlines() if line.strip()]

    def test_both_run_in_one_pipeline(self):
        self.build_c_plugin("node_count")
        self.build_cpp()
        self.assertEqual(self.exported("node_count"), ["heddle_entry_v1"])
        self.assertEqual(self.exported("node_scale"), ["heddle_entry_v1"])

        env = {"HEDDLE_PLUGIN_PATH": self.plugins}
        chain = pipeline(node("count", "Count", {"step": 2}), node("pass", "PassThrough"), node("scale", "Scale", {"by": 100}), node("echo", "Echo"))
        answer = self.run_manifest(chain, ["a", {"b": 1}, None], env=env)
        self.assertEqual([i["input"] for i in answer.items], [200, 400, 600])

        # Failures of either arrive with their reason; params are checked against their schemas.
        failing = pipeline(node("scale", "Scale"))
        letters = self.run_manifest(failing, [{"count": 3}, "x"], "--dead-letters", self.path("dead"), code=DEAD_LETTERS, env=env)
        self.assertEqual(letters.items, [30])
        self.assertIn('integer "count"', json.loads(self.read("dead"))["message"])
        self.heddle("validate", self.write("bad.json", pipeline(node("count", "Count", {"step": 0}))), env=env, code=INVALID)

        # --plugin-dir is the same door, and inspect knows them without the pipeline.
        described = self.heddle("inspect", "Count", "--plugin-dir", self.plugins).out
        self.assertIn("node_count", described)
        self.assertIn("step", self.heddle("inspect", f"{self.plugins}/node_count.so").out)

    def test_a_plugin_survives_strip(self):
        self.build_c_plugin("node_count")
        self.sh("strip", f"{self.plugins}/node_count.so")
        answer = self.run_manifest(pipeline(node("count", "Count")), ["x"], "--plugin-dir", self.plugins)
        self.assertEqual(answer.items, [{"count": 1, "was": "x"}])


if __name__ == "__main__":
    unittest.main()
