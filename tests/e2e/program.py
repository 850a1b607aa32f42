"""Drives the built `heddle` in a temporary folder: what every end-to-end test stands on.

The build says where things are: HEDDLE_PROGRAM (the executable), HEDDLE_SOURCE (the source tree), HEDDLE_BUILD (the build tree).
"""
import json
import os
import shutil
import signal
import subprocess
import tempfile
import unittest

PROGRAM = os.environ["HEDDLE_PROGRAM"]
SOURCE = os.environ["HEDDLE_SOURCE"]
BUILD = os.environ["HEDDLE_BUILD"]
SANITIZED = bool(os.environ.get("HEDDLE_SANITIZE"))
TIMEOUT = 120  # seconds; a program that takes longer hangs

OK, FAILED, USAGE, DEAD_LETTERS, IO, INVALID, INTERRUPTED, TERMINATED = 0, 1, 2, 3, 74, 78, 130, 143


class Answer:
    """How one call of the program ended."""

    def __init__(self, code, out, err):
        self.code, self.out_bytes, self.err = code, out, err.decode("utf-8", "replace")

    @property
    def out(self):
        return self.out_bytes.decode("utf-8")

    @property
    def items(self):
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def report(self):
        """The report of `run --json`: the last line of stderr that is a JSON object."""
        for line in reversed(self.err.splitlines()):
            if line.startswith("{"):
                return json.loads(line)
        raise AssertionError(f"no report in:\n{self.err}")

    @property
    def by_node(self):
        """Results of a pipeline with several output nodes: node id → values."""
        out = {}
        for item in self.items:
            out.setdefault(item["node"], []).append(item["value"])
        return out

    def __str__(self):
        return f"exit {self.code}\n--- stdout\n{self.out_bytes[:4000]!r}\n--- stderr\n{self.err[:8000]}"


def lines(values):
    """Values as JSON lines, the way the program is fed."""
    return "".join(json.dumps(v, ensure_ascii=False, separators=(",", ":")) + "\n" for v in values).encode()


def node(id, node_type, params=None, **more):
    entry = {"id": id, "node_type": node_type, **more}
    if params is not None:
        entry["params"] = params
    return entry


def pipeline(*nodes, connections=None, **more):
    """A heddle/1 manifest; without `connections` the nodes are a chain."""
    if connections is None:
        ids = [n["id"] for n in nodes]
        connections = list(zip(ids, ids[1:]))
    edges = [c if isinstance(c, dict) else {"from": c[0], "to": c[1]} for c in connections]
    return {"version": "heddle/1", "metadata": {"name": "test"}, "nodes": list(nodes), "connections": edges, **more}


class HeddleCase(unittest.TestCase):
    maxDiff = 4000

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="heddle-e2e-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, content):
        """Writes a file: bytes and text as they are, anything else as JSON. The answer is its path."""
        data = content if isinstance(content, bytes) else (content if isinstance(content, str) else json.dumps(content)).encode()
        with open(self.path(name), "wb") as file:
            file.write(data)
        return self.path(name)

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def environment(self, extra=None):
        kept = {k: v for k, v in os.environ.items() if not k.startswith("HEDDLE_")}
        return {**kept, "HOME": self.folder, "XDG_STATE_HOME": self.path("state-home"), "XDG_CACHE_HOME": self.path("cache-home"), "NO_COLOR": "1", **(extra or {})}

    def start(self, *arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env=None):
        process = subprocess.Popen([PROGRAM, *arguments], stdin=stdin, stdout=stdout, stderr=subprocess.PIPE, cwd=self.folder,
                                   env=self.environment(env))
        self.addCleanup(self._end, process)
        return process

    @staticmethod
    def _end(process):
        if process.poll() is None:
            process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream:
                stream.close()

    def finish(self, process, stdin=None):
        try:
            out, err = process.communicate(stdin, timeout=TIMEOUT)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGABRT)
            out, err = process.communicate()
            raise AssertionError(f"the program hangs\n{Answer(None, out or b'', err or b'')}") from None
        return Answer(process.returncode, out or b"", err or b"")

    def heddle(self, *arguments, stdin=b"", code=OK, env=None, stdout=subprocess.PIPE):
        """Runs the program to its end and checks the exit code; `code` None accepts any that is no crash."""
        answer = self.finish(self.start(*arguments, stdin=subprocess.PIPE, stdout=stdout, env=env), stdin)
        if code is None:
            self.assertNotIn(answer.code, (70, -6, -11, -7, 134, 139), f"{arguments}: {answer}")
        else:
            self.assertEqual(answer.code, code, f"{arguments}: {answer}")
        return answer

    def run_manifest(self, manifest, items=(), *arguments, code=OK, stdin=None, env=None):
        """`heddle run` of a manifest over items, with the report on stderr; every edge of it must balance."""
        data = stdin if stdin is not None else lines(items)
        answer = self.heddle("run", self.write("manifest.json", manifest), "--input", "-", "--json", *arguments, stdin=data, code=code, env=env)
        self.assert_balanced(answer.report)
        return answer

    def build_c_plugin(self, source):
        """Builds foreign/<source>.c with plugin-api alone into <folder>/plugins, as a stranger would; the answer is that folder."""
        plugins = self.path("plugins")
        os.makedirs(plugins, exist_ok=True)
        here = os.path.dirname(os.path.abspath(__file__))
        subprocess.run(["cc", "-std=c11", "-Wall", "-Wextra", "-pedantic", "-Werror", "-O2", "-fPIC", "-fvisibility=hidden", "-shared", "-Wl,-z,defs",
                        f"-I{SOURCE}/plugin-api/include", "-o", f"{plugins}/{source}.so", f"{here}/foreign/{source}.c"], check=True)
        return plugins

    def assert_balanced(self, report):
        self.assertTrue(report["balanced"], report)
        self.assertGreater(len(report["connections"]), 0, report)
        for edge in report["connections"]:
            lost = edge["in"] - sum(edge[k] for k in ("out", "filtered", "dropped", "failed", "in_flight"))
            self.assertEqual(lost, 0, edge)
            self.assertEqual(edge["in_flight"], 0, edge)
