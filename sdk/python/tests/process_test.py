"""A worker as a process: the example, its signals, and every block of the README."""
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from host_client import SDK, TIMEOUT, WorkerCase

WAITING = """
import sys
from heddle_worker import Worker
worker = Worker()
@worker.handler("k")
def wait(task):
    task.progress(1)
    return task.cancelled.wait() if task.inputs.get("stubborn") is None else __import__("threading").Event().wait()
worker.serve("127.0.0.1:0", slots=2, grace=float(sys.argv[1]))
"""


class Store(BaseHTTPRequestHandler):
    """Keeps what is PUT, and gives it."""
    protocol_version = "HTTP/1.1"
    files = {}

    def do_GET(self):
        data = self.files[self.path]
        self.send_response(200)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_PUT(self):
        self.files[self.path] = self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class ProcessCase(WorkerCase):
    def run_worker(self, *command):
        """Starts it, and a stream to where it says that it listens."""
        self.child = subprocess.Popen([sys.executable, *command], env={**os.environ, "PYTHONPATH": SDK}, stderr=subprocess.PIPE, text=True)
        self.addCleanup(self.child.stderr.close)
        self.addCleanup(self.child.wait)
        self.addCleanup(self.child.kill)
        for line in self.child.stderr:
            if found := re.search(r"listening on (\S+)", line):
                self.server = type("Server", (), {"endpoint": found.group(1)})
                self.channel = self.dial()
                return self.stream().opened()
        raise AssertionError("it does not listen")


class Processes(ProcessCase):
    def test_the_example_makes_thumbnails_and_ends_when_told(self):
        with open(os.path.join(SDK, "examples/thumbnail_worker.py"), encoding="utf-8") as file:
            self.assertLess(len(file.readlines()), 30)
        store = ThreadingHTTPServer(("127.0.0.1", 0), Store)
        self.addCleanup(store.server_close)
        threading.Thread(target=store.serve_forever, args=(0.01,), daemon=True).start()
        self.addCleanup(store.shutdown)
        url = f"http://127.0.0.1:{store.server_port}"
        pixels = [bytes((x, y, 0)) for y in range(4) for x in range(6)]
        Store.files["/in.ppm"] = b"P6\n6 4\n255\n" + b"".join(pixels)
        stream = self.run_worker(os.path.join(SDK, "examples/thumbnail_worker.py"), "127.0.0.1:0")
        stream.assign(kind="thumbnails/resize", inputs={"every": 2}, raw_inputs=[dict(name="image", ref=url + "/in.ppm")], upload_prefix=url + "/out/")
        ended = stream.completion()
        self.assertEqual((ended.status, ended.result_ref, ended.error), ("SUCCESS", url + "/out/small.ppm", ""))
        self.assertEqual(Store.files["/out/small.ppm"], b"P6 3 2 255\n" + b"".join(bytes((x, y, 0)) for y in (0, 2) for x in (0, 2, 4)))
        stream.assign(run_id="2", kind="thumbnails/resize", inputs={"every": 1}, raw_inputs=[dict(name="image", ref=url + "/in.ppm")])
        self.assertEqual(stream.completion(run_id="2").status, "SKIPPED")
        self.child.send_signal(signal.SIGTERM)
        stream.rest()
        self.assertEqual(self.child.wait(TIMEOUT), 0)

    def test_sigterm_drains(self):
        stream = self.run_worker("-c", WAITING, "60")
        stream.assign()
        stream.until("progress")
        self.child.send_signal(signal.SIGTERM)
        stream.until("capacity", lambda it: it.available_slots == 0)
        self.assertIsNone(self.child.poll())
        stream.cancel()
        self.assertEqual(stream.completion().error, "cancelled")
        stream.rest()
        self.assertEqual(self.child.wait(TIMEOUT), 0)

    def test_what_does_not_end_in_its_time_is_cancelled(self):
        stream = self.run_worker("-c", WAITING, "0.05")
        stream.assign()
        stream.until("progress")
        self.child.send_signal(signal.SIGTERM)
        self.assertEqual(stream.completion().error, "cancelled")
        self.assertEqual(self.child.wait(TIMEOUT), 0)

    def test_a_handler_that_never_ends_does_not_keep_the_process(self):
        stream = self.run_worker("-c", WAITING, "0")
        stream.assign(inputs={"stubborn": True})
        stream.until("progress")
        self.child.send_signal(signal.SIGINT)
        self.assertEqual(stream.completion().error, "the worker has ended")
        self.assertEqual(self.child.wait(TIMEOUT), 0)

    def test_a_second_signal_ends_at_once(self):
        stream = self.run_worker("-c", WAITING, "600")
        stream.assign(inputs={"stubborn": True})
        stream.until("progress")
        self.child.send_signal(signal.SIGTERM)
        stream.until("capacity", lambda it: it.available_slots == 0)
        self.child.send_signal(signal.SIGTERM)
        self.assertEqual(self.child.wait(TIMEOUT), 128 + signal.SIGTERM)


class Readme(WorkerCase):
    def setUp(self):
        super().setUp()
        with open(os.path.join(SDK, "README.md"), encoding="utf-8") as file:
            self.blocks = re.findall(r"^```(\w*) ?([^\n]*)\n(.*?)^```\n", file.read(), re.S | re.M)

    def test_every_block_works(self):
        """Files are written, shells run in one shell, and a text is what the shell before it has written, to the letter."""
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            port = str(one.getsockname()[1])
        script, expected, mark = ["set -e", f"cp -r {SDK} {self.path('sdk')}", f"cd {self.path('sdk')}"], [], "--- next block ---"
        for language, name, content in self.blocks:
            content = content.replace("7071", port)
            if language == "text":
                expected[-1] = content
            elif language == "bash":
                script += [f"echo '{mark}'", content]
                expected.append(None)
            else:
                self.assertIn((language, bool(name)), (("python", True), ("yaml", True)), content)
                script += [f"cat >{name} <<'END OF FILE'\n{content}END OF FILE"]
        os.mkdir(self.path("home"))
        ran = subprocess.Popen(["bash", "-c", "\n".join(script)], env={"PATH": "/usr/bin:/bin", "HOME": self.path("home")}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
        try:
            out, err = ran.communicate(timeout=2 * TIMEOUT)
        finally:
            try:
                os.killpg(ran.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.assertEqual(ran.returncode, 0, out + err)
        said = out.split(mark + "\n")[1:]
        self.assertEqual(len(said), len(expected))
        for text, wanted in zip(said, expected):
            if wanted is not None:
                self.assertEqual(text, wanted, err)
        self.assertGreaterEqual(len([one for one in expected if one]), 4)


if __name__ == "__main__":
    unittest.main()
