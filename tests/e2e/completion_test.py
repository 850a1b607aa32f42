"""What a shell completes: what heddle says may come next, and the scripts for bash, fish and zsh."""
import os
import pty
import select
import shutil
import signal
import subprocess
import time
import unittest

from program import PROGRAM, SOURCE, TIMEOUT, HeddleCase


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

    @unittest.skipUnless(shutil.which("fish"), "skipped: fish is not installed")
    def test_in_fish(self):
        script = os.path.join(SOURCE, "packaging", "completion", "heddle.fish")
        self.write("manifest.json", {})

        def completed(line):
            said = subprocess.run(["fish", "--no-config", "-c", f'set -x PATH {os.path.dirname(PROGRAM)} $PATH; source {script}; complete -C "{line}"'], cwd=self.folder,
                                  env=self.environment(None), stdout=subprocess.PIPE, check=True).stdout.decode()
            return [candidate.split("\t")[0] for candidate in said.splitlines()]
        self.assertEqual(completed("heddle vali"), ["validate"])
        self.assertEqual(completed("heddle inspect Multip"), ["Multiply"])
        self.assertIn("Multiply", completed("heddle inspect "))
        self.assertEqual(completed("heddle run mani"), ["manifest.json"])

    @unittest.skipUnless(shutil.which("zsh"), "skipped: zsh is not installed")
    def test_in_zsh(self):
        # A line is typed, a tab, and what stands there then is printed: zsh completes nowhere but at a terminal.
        folder = os.path.join(SOURCE, "packaging", "completion")
        self.write("manifest.json", {})
        self.write("answer", "")
        self.write("setup", f"""
            path=({os.path.dirname(PROGRAM)} $path); fpath=({folder} $fpath); PS1='ready> '
            autoload -Uz compinit; compinit -u -d {self.path("dump")}
            say() {{ print -r -- "$BUFFER" > {self.path("answer.new")}; mv {self.path("answer.new")} {self.path("answer")}; BUFFER=; }}
            zle -N say; bindkey '^X' say; setopt no_beep no_list_beep
        """)

        def completed(line):
            os.remove(self.path("answer"))
            pid, terminal = pty.fork()
            if pid == 0:
                os.chdir(self.folder)
                os.execvpe("zsh", ["zsh", "-f", "-i"], {**self.environment(None), "TERM": "dumb"})
            self.addCleanup(os.waitpid, pid, 0)
            self.addCleanup(os.kill, pid, signal.SIGKILL)
            said = b""
            os.write(terminal, f"source {self.path('setup')}\n".encode())
            deadline = time.monotonic() + TIMEOUT
            typed = False
            while not os.path.exists(self.path("answer")):
                self.assertLess(time.monotonic(), deadline, said)
                if select.select([terminal], [], [], 0.05)[0]:
                    said += os.read(terminal, 65536)
                if not typed and b"ready> " in said.split(b"setup")[-1]:
                    os.write(terminal, line.encode() + b"\t\x18")
                    typed = True
            return self.read("answer").decode().strip()
        self.assertEqual(completed("heddle vali"), "heddle validate")
        self.assertEqual(completed("heddle inspect Multip"), "heddle inspect Multiply")
        self.assertEqual(completed("heddle config "), "heddle config explain", "the word that is not begun yet counts")
        self.assertEqual(completed("heddle run mani"), "heddle run manifest.json")


if __name__ == "__main__":
    unittest.main()
