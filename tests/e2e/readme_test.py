"""Every code block of README.md does what the text says, in order, in one shell.

A ```sh block begins with the packages, which new_test.py stands in for and packaging/verify-deb installs. A block ```json NAME, ```cpp NAME or ```python NAME is a file. A ```bash block is run; a ```text block right after it is its output, to the letter. The program is the one that was
built, and the host listens on a port that is free.
"""
import os
import re
import signal
import socket
import subprocess
import unittest

from program import PROGRAM, SOURCE, TIMEOUT, HeddleCase


def blocks(text):
    """(language, name, content, expected output or None) of every fenced block."""
    found = [(m.group(1), m.group(2).strip(), m.group(3), m.end(), m.start()) for m in re.finditer(r"^```(\w*)([^\n]*)\n(.*?)^```\n", text, re.S | re.M)]
    for i, (language, name, content, end, _) in enumerate(found):
        after = found[i + 1] if i + 1 < len(found) else None
        expected = after[2] if after and after[0] == "text" and not text[end:after[4]].strip() else None
        yield language, name, content, expected


class Readme(HeddleCase):
    def setUp(self):
        super().setUp()
        with open(os.path.join(SOURCE, "README.md"), encoding="utf-8") as file:
            self.blocks = list(blocks(file.read()))

    def as_built_here(self, text):
        return text.replace("$PWD/build/release", os.path.dirname(PROGRAM)).replace(":7433", f":{self.port}")

    @staticmethod
    def end_all_of(shell):
        """Ends the shell and what it has left running."""
        try:
            os.killpg(shell.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        shell.wait()

    @staticmethod
    def free_port():
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            return one.getsockname()[1]

    def test_every_block_says_what_it_is(self):
        self.assertGreater(len(self.blocks), 5)
        for language, name, content, _ in self.blocks:
            self.assertIn(language, ("bash", "sh", "json", "cpp", "python", "text"), content)
            self.assertEqual(bool(name), language in ("json", "cpp", "python"), content)

    def test_the_plugin_has_20_lines(self):
        source = next(content for language, _, content, _ in self.blocks if language == "cpp")
        self.assertLessEqual(len(source.splitlines()), 20)

    def test_every_block_works(self):
        # One shell for all; between blocks it writes a mark, so that each block's output is known. The two commands are what CI itself runs.
        script = ["set -eu"]
        wanted = []
        self.port = self.free_port()
        for language, name, content, expected in self.blocks:
            content = self.as_built_here(content)
            if language in ("json", "cpp", "python"):
                script.append(f"cat > {name} <<'END-OF-BLOCK'\n{content}END-OF-BLOCK")
            elif language == "bash" and content.startswith("./packaging/"):
                for command in re.findall(r"^(\./\S+)", content, re.M):
                    script.append(f"test -x {command}")
            elif language == "bash":
                script += [content, "printf '\\n=== end of block\\n'"]
                wanted.append((content, expected))
        shell = subprocess.Popen(["bash", "-c", "\n".join(script)], cwd=SOURCE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
                                 env=self.environment({"HEDDLE_HOST": f"http://127.0.0.1:{self.port}", "TMPDIR": self.folder}))
        try:
            out, err = shell.communicate(timeout=TIMEOUT)
        finally:
            self.end_all_of(shell)
        self.assertEqual(shell.returncode, 0, out + err)
        outputs = out.split("\n=== end of block\n")[:-1]
        self.assertEqual(len(outputs), len(wanted))
        for (content, expected), output in zip(wanted, outputs):
            if expected is not None:
                self.assertEqual(output, expected, content)


if __name__ == "__main__":
    unittest.main()
