"""What a shell completes: what heddle says may come next, and the script for bash."""
import os
import subprocess
import unittest

from program import PROGRAM, SOURCE, HeddleCase


class Completion(HeddleCase):
    def words(self, *written):
        return [line.split("\t")[0] for line in self.heddle("complete", "--", *written).out.splitlines()]

    def test_verbs_and_their_actions(self):
        self.assertIn("validate", self.words(""))
        self.assertIn("explain", self.words("config", "e"))
        self.assertIn("run", self.words("help", ""))
        self.assertNotIn("complete", self.words(""))

    def test_options_of_the_verb(self):
        self.assertIn("--stats", self.words("run", "--s"))
        self.assertNotIn("--stats", self.words("validate", "--s"))

    def test_installed_types(self):
        self.assertIn("Multiply", self.words("inspect", "Mul"))
        self.assertIn("Multiply\tMultiplies every number by a constant", self.heddle("complete", "--", "inspect", "").out.splitlines())

    def test_files_where_one_belongs(self):
        for written in (("run", ""), ("run", "m.json", "--input", ""), ("inspect", "./x"), ("serve", "--config", "/etc")):
            self.assertEqual(self.words(*written), [":"], written)

    def test_nothing_where_nobody_knows(self):
        self.assertEqual(self.words("run", "--threads", ""), [])
        self.assertEqual(self.heddle("complete", "--").code, 0)

    def test_in_bash(self):
        script = os.path.join(SOURCE, "packaging", "completion", "heddle")
        self.write("manifest.json", {})

        def completed(*written):
            count = len(written)
            line = f'source {script}; COMP_WORDS=({PROGRAM} {" ".join(repr(w) for w in written)}); COMP_CWORD={count}; compopt() {{ :; }}; _heddle; printf "%s\\n" "${{COMPREPLY[@]}}"'
            return subprocess.run(["bash", "-c", line], cwd=self.folder, env=self.environment(None), stdout=subprocess.PIPE, check=True).stdout.decode().split()
        self.assertEqual(completed("vali"), ["validate"])
        self.assertEqual(completed("inspect", "Multip"), ["Multiply"])
        self.assertEqual(completed("run", "mani"), ["manifest.json"])


if __name__ == "__main__":
    unittest.main()
