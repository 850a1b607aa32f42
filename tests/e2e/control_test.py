"""The verbs that talk to a running host, against a running host."""
import fcntl
import json
import os
import pty
import select
import shutil
import signal
import socket
import struct
import subprocess
import termios
import time
import unittest

from host import NOT_ALLOWED, TRY_LATER, UNREACHABLE, HostCase
from program import FAILED, INTERRUPTED, INVALID, IO, PROGRAM, TIMEOUT, USAGE, node, pipeline


class Jobs(HostCase):
    def test_a_job_is_submitted_waited_for_and_shown(self):
        self.serve()
        self.assertEqual(json.loads(self.heddle("submit", "pipeline/double", "21", "--wait").out), {"outputs": [42]})
        id = self.submit("pipeline/double", "4")
        self.assertEqual(json.loads(self.heddle("jobs", "wait", str(id)).out), {"outputs": [8]})
        self.assertEqual(self.job(id)["state"], "done")
        text = self.heddle("jobs", "show", str(id)).out
        self.assertRegex(text, r"(?m)^type +pipeline/double$")
        self.assertRegex(text, r"(?m)^submitted +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \(")
        table = self.heddle("jobs").out.splitlines()
        self.assertEqual(table[0].split(), ["ID", "STATE", "LANE", "TYPE", "TRY", "SUBMITTED", "NOTE"])
        self.assertEqual(len(table), 3)

    def test_a_payload_comes_from_the_line_a_file_or_a_pipe(self):
        self.serve()
        for arguments, stdin in ((["5"], b""), (["--payload", "5"], b""), (["--payload-file", self.write("p", "5")], b""), (["-"], b"5\n")):
            answer = self.heddle("submit", "pipeline/double", *arguments, "--wait", stdin=stdin)
            self.assertEqual(json.loads(answer.out), {"outputs": [10]})
        answer = self.heddle("submit", "pipeline/double", "{broken", code=USAGE)
        self.assertIn("the payload is not JSON: line 1, column 2", answer.err)

    def test_a_failed_job_fails_the_wait_and_is_a_dead_letter(self):
        self.serve()
        answer = self.heddle("submit", "pipeline/never", "1", "--wait", code=FAILED)
        self.assertEqual(answer.out, "")
        self.assertRegex(answer.err, r"^heddle: job \d+ \(pipeline/never\) failed: .*not enough")
        dead = json.loads(self.heddle("dlq", "--json").out)["jobs"]
        self.assertEqual([j["type"] for j in dead], ["pipeline/never"])
        id = str(dead[0]["id"])
        self.assertRegex(self.heddle("dlq").out, rf"(?m)^ *{id} .*not enough")
        self.assertRegex(self.heddle("dlq", "show", id).out, r"(?m)^payload +1$")
        self.heddle("dlq", "requeue", id)
        self.heddle("jobs", "wait", id, code=FAILED)
        self.heddle("dlq", "discard", id)
        self.assertEqual(self.heddle("dlq").out, "")
        self.heddle("dlq", "discard", id, code=USAGE)

    def test_all_the_dead_go_at_once(self):
        self.serve()
        for _ in range(3):
            self.heddle("submit", "pipeline/never", "1", "--wait", code=FAILED)
        self.assertIn("3 jobs were requeued", self.heddle("dlq", "requeue", "--all").err)
        for job in json.loads(self.heddle("jobs", "--json").out)["jobs"]:
            self.heddle("jobs", "wait", str(job["id"]), code=FAILED)
        self.assertEqual(json.loads(self.heddle("dlq", "discard", "--all", "--json").out), {"discarded": 3})
        self.assertIn("or --all", self.heddle("dlq", "discard", code=USAGE).err)

    def test_cancelling_says_what_became_of_each(self):
        self.serve()
        first, second = self.submit("pipeline/slow", "1"), self.submit("pipeline/slow", "2", "--delay", "1h")
        answer = self.heddle("jobs", "cancel", str(second), "99999", str(first), code=USAGE)
        self.assertIn(f"job {second} is cancelled", answer.err)
        self.assertIn("no job 99999", answer.err)
        self.heddle("jobs", "wait", str(first), code=FAILED)
        self.assertEqual([self.job(first)["state"], self.job(second)["state"]], ["cancelled", "cancelled"])

    def test_a_wait_has_an_end(self):
        self.serve()
        answer = self.heddle("submit", "pipeline/slow", "1", "--wait", "--timeout", "100ms", code=TRY_LATER)
        self.assertRegex(answer.err, r"job \d+ \(pipeline/slow\) is \w+ and not over after 100 ms: it goes on")

    def test_ctrl_c_ends_the_wait_and_not_the_job(self):
        self.serve()
        id = self.submit("pipeline/slow", "1")
        with open(self.path("err"), "wb+") as err:
            waiting = self.start("jobs", "wait", str(id), stdout=err)
            self.wait_until(lambda: self.has_signal_blocked(waiting.pid, signal.SIGINT))
            waiting.send_signal(signal.SIGINT)
            answer = self.finish(waiting)
        self.assertEqual(answer.code, INTERRUPTED)
        self.assertIn(f"job {id} goes on; to wait again: heddle jobs wait {id}; to cancel it: heddle jobs cancel {id}", answer.err)
        self.assertIn(self.job(id)["state"], ("running", "waiting"))

    def wait_until(self, is_so):
        end = time.monotonic() + TIMEOUT
        while not is_so():
            self.assertLess(time.monotonic(), end)
            select.select([], [], [], 0.01)

    @staticmethod
    def has_signal_blocked(pid, number):
        with open(f"/proc/{pid}/status", encoding="ascii") as status:
            mask = next(line.split()[1] for line in status if line.startswith("SigBlk:"))
        return bool(int(mask, 16) >> (number - 1) & 1)

    def test_the_same_key_is_the_same_job(self):
        self.serve()
        first = self.submit("pipeline/double", "1", "--idempotency-key", "k")
        answer = self.heddle("submit", "pipeline/double", "1", "--idempotency-key", "k")
        self.assertEqual(int(answer.out), first)
        self.assertIn("was there already", answer.err)

    def test_a_job_runs_after_those_it_depends_on(self):
        self.serve()
        self.heddle("lanes", "pause", "prompt")
        first = self.submit("pipeline/double", "1", "--lane", "prompt")
        second = self.submit("pipeline/double", "1", "--after", str(first))
        self.assertEqual(self.job(second)["state"], "blocked")
        self.heddle("lanes", "resume", "prompt")
        self.heddle("jobs", "wait", str(second))
        self.assertGreaterEqual(self.job(second)["started_ms"], self.job(first)["ended_ms"])

    def test_what_the_host_says_is_passed_on(self):
        self.serve()
        self.assertIn("did you mean", self.heddle("submit", "pipeline/duoble", "1", code=USAGE).err)
        self.assertIn("no lane \"nope\"", self.heddle("submit", "pipeline/double", "1", "--lane", "nope", code=USAGE).err)
        error = json.loads(self.heddle("jobs", "show", "99999", "--json", code=USAGE).err)
        self.assertEqual((error["ok"], error["exit_code"]), (False, USAGE))
        self.assertIn("99999", error["error"]["message"])


class LanesOfAHost(HostCase):
    def test_lanes_are_listed_paused_and_changed(self):
        self.serve()
        table = self.heddle("lanes").out.splitlines()
        self.assertEqual(table[0].split()[:4], ["LANE", "PRIO", "WAITING", "RUNNING"])
        self.assertGreaterEqual({line.split()[0] for line in table[1:]}, {"system", "control", "query", "session", "skill", "prompt", "default"})
        self.heddle("lanes", "pause", "prompt")
        self.assertRegex(self.heddle("lanes").out, r"(?m)^prompt .*paused$")
        id = self.submit("pipeline/double", "1", "--lane", "prompt")
        self.heddle("jobs", "wait", str(id), "--timeout", "100ms", code=TRY_LATER)
        self.heddle("lanes", "resume", "prompt")
        self.heddle("jobs", "wait", str(id))
        changed = json.loads(self.heddle("lanes", "set", "prompt", "max_concurrency=7", "when_full=reject", "--json").out)
        self.assertEqual((changed["max_concurrency"], changed["when_full"]), (7, "reject"))
        self.assertRegex(self.heddle("lanes", "show", "prompt").out, r"(?m)^max_concurrency +7$")
        self.assertIn("max_concurency", self.heddle("lanes", "set", "prompt", "max_concurency=7", code=USAGE).err)
        self.heddle("lanes", "pause", "nope", code=USAGE)

    def test_a_full_lane_is_a_try_later(self):
        self.serve(lanes={"small": {"depth": 1, "when_full": "reject"}})
        self.heddle("lanes", "pause", "small")
        self.submit("pipeline/double", "1", "--lane", "small")
        answer = self.heddle("submit", "pipeline/double", "1", "--lane", "small", code=TRY_LATER)
        self.assertIn("small", answer.err)
        self.assertIn("try again in ", answer.err)


class Reaching(HostCase):
    def test_no_host_is_one_clear_sentence(self):
        for verb in (["jobs"], ["submit", "x"], ["lanes"], ["dlq"], ["events"], ["top", "--once"]):
            answer = self.heddle(*verb, "--host", "http://127.0.0.1:1", code=UNREACHABLE)
            self.assertEqual(answer.out, "")
            self.assertRegex(answer.err, r"^heddle: cannot reach the host at http://127\.0\.0\.1:1: Connection refused; is `heddle serve` running there\?[^\n]*\n$")
        self.heddle("jobs", "--host", "ftp://x", code=USAGE)

    def test_a_token_comes_from_a_file_or_the_environment_and_is_never_shown(self):
        tokens = [{"name": "all", "token": "secret-of-all", "scopes": ["read", "submit", "admin"]}, {"name": "eyes", "token": "secret-of-eyes", "scopes": ["read"]}]
        self.serve(auth={"tokens": tokens})
        self.heddle("jobs", code=NOT_ALLOWED)
        self.heddle("jobs", env={"HEDDLE_TOKEN": "wrong-secret"}, code=NOT_ALLOWED)
        eyes, everything = {"HEDDLE_TOKEN": "secret-of-eyes"}, self.write("token", "secret-of-all\n")
        self.heddle("jobs", env=eyes)
        answer = self.heddle("submit", "pipeline/double", "1", env=eyes, code=NOT_ALLOWED)
        self.assertIn("submit", answer.err)
        self.assertNotIn("secret-of", answer.err)
        self.heddle("submit", "pipeline/double", "1", "--token-file", everything, "--wait")
        doctor = self.heddle("doctor", env=eyes, code=None)
        self.assertRegex(doctor.out, r"(?m)^ok +token .*read, but not submit, admin$")
        self.assertRegex(self.heddle("doctor", code=FAILED).out, r"(?m)^error +token ")


    def test_a_host_with_a_certificate_is_believed_only_with_its_authority(self):
        key, certificate = self.path("key.pem"), self.path("certificate.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                        "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate], check=True, capture_output=True)
        self.serve(listen=[{"endpoint": "127.0.0.1:0", "params": {"tls": {"certificate": certificate, "key": key}}}])
        self.url = self.url.replace("http://", "https://")
        answer = self.heddle("jobs", code=UNREACHABLE)
        self.assertIn("does not prove who it is: ", answer.err)
        self.assertIn("--ca-file", answer.err)
        self.heddle("submit", "pipeline/double", "1", "--wait", "--ca-file", certificate)
        self.heddle("jobs", env={"HEDDLE_CA_FILE": certificate})

    def test_what_is_no_host_is_said_so(self):
        with socket.create_server(("127.0.0.1", 0)) as other:
            self.url = f"http://127.0.0.1:{other.getsockname()[1]}"
            for answer, error in ((b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi", "is no heddle host: HTTP 200, text/html"),
                                  (b"", "without an answer")):
                asking = self.start("submit", "x")
                peer, _ = other.accept()
                peer.recv(65536)
                peer.sendall(answer)
                peer.close()
                ended = self.finish(asking)
                self.assertEqual(ended.code, UNREACHABLE, ended)
                self.assertIn(error, ended.err)
            self.assertIn("whether the job was accepted is not known", ended.err)

    def test_the_program_alone_says_what_it_lacks(self):
        alone = self.path("heddle")
        shutil.copy(PROGRAM, alone)
        ended = subprocess.run([alone, "jobs"], capture_output=True, text=True, check=False, env=self.environment())
        self.assertEqual(ended.returncode, IO)
        self.assertRegex(ended.stderr, r"^heddle: cannot start heddle-client, which talks to running hosts: No such file or directory; it belongs at \S+")


class Watching(HostCase):
    def test_events_are_lines_and_end_with_the_host(self):
        host = self.serve()
        events = self.start("events", "--prefix", "queue.job.", "--json")
        while not select.select([events.stdout], [], [], 0.05)[0]:  # until it is subscribed
            self.heddle("submit", "pipeline/double", "1")
        id = self.submit("pipeline/double", "1", "--lane", "skill")
        seen = []
        while not seen or seen[-1]["event"] != "queue.job.completed":
            event = json.loads(events.stdout.readline())
            seen += [event] if event["data"].get("job") == id else []
        self.assertEqual([e["event"] for e in seen], ["queue.job.submitted", "queue.job.started", "queue.job.completed"])
        self.assertEqual([e["data"]["lane"] for e in seen], ["skill"] * 3)
        self.assertEqual(sorted(e["id"] for e in seen), [e["id"] for e in seen])
        self.stop(host)
        answer = self.finish(events)
        self.assertEqual(answer.code, UNREACHABLE)
        self.assertEqual(json.loads(answer.err)["error"]["code"], "host-gone")

    def test_top_once_is_one_screen(self):
        self.serve()
        id = self.submit("pipeline/slow", "1")
        screen = self.heddle("top", "--once").out
        self.assertRegex(screen, r"^heddle \S+ at http://127\.0\.0\.1:\d+, pid \d+, up ")
        self.assertRegex(screen, r"(?m)^default +\d")
        self.assertRegex(screen, rf"(?m)^ *{id}  default  pipeline/slow ")
        parts = json.loads(self.heddle("top", "--once", "--json").out)
        self.assertEqual(sorted(parts), ["host", "lanes", "running"])
        self.assertEqual([job["id"] for job in parts["running"]], [id])

    def test_top_gives_the_terminal_back(self):
        self.serve()
        for key, code in ((b"q", 0), (b"\x03", INTERRUPTED)):
            process, terminal = pty.fork()
            if process == 0:
                os.execve(PROGRAM, ["heddle", "top"], {**self.environment(), "TERM": "xterm"})
            shown = b""
            while b"q ends" not in shown:
                shown += os.read(terminal, 65536)
            os.write(terminal, key)
            while True:
                try:
                    more = os.read(terminal, 65536)
                except OSError:  # the other side is closed
                    break
                if not more:
                    break
                shown += more
            self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), code)
            os.close(terminal)
            self.assertIn(b"\x1b[?1049h", shown)
            self.assertTrue(shown.endswith(b"\x1b[?25h\x1b[?1049l"), shown[-100:])
            self.assertIn(b"default", shown)

    def test_top_goes_on_after_it_was_stopped_and_follows_the_terminal_s_size(self):
        host = self.serve()
        process, terminal = pty.fork()
        if process == 0:
            os.execve(PROGRAM, ["heddle", "top"], {**self.environment(), "TERM": "xterm"})
        self.addCleanup(os.close, terminal)
        self.read_until(terminal, b"q ends")
        os.kill(process, signal.SIGTSTP)
        self.assertTrue(os.WIFSTOPPED(os.waitpid(process, os.WUNTRACED)[1]))
        self.assertIn(b"\x1b[?1049l", self.read_until(terminal, b"\x1b[?1049l"))
        os.kill(process, signal.SIGCONT)
        self.read_until(terminal, b"\x1b[?1049h")
        self.read_until(terminal, b"q ends")
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 6, 30, 0, 0))
        self.read_until(terminal, b"\xe2\x80\xa6")  # something is cut
        self.stop(host)
        self.read_until(terminal, b"q ends; since ")  # and it does not end with the host
        os.write(terminal, b"q")
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), 0)

    def read_until(self, terminal, wanted):
        shown = b""
        while wanted not in shown:
            self.assertTrue(select.select([terminal], [], [], TIMEOUT)[0], shown)
            shown += os.read(terminal, 65536)
        return shown

    def test_top_wants_a_terminal(self):
        self.assertIn("--once", self.heddle("top", code=USAGE).err)


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Apply(HostCase):
    def test_what_has_changed_is_printed_by_diff(self):
        port = free_port()
        config = {"listen": [{"endpoint": f"127.0.0.1:{port}"}], "threads": 2}
        self.serve(lanes={"narrow": {"max_concurrency": 1}}, **config)
        self.assertEqual(self.heddle("apply").out, "nothing has changed\n")
        self.write("served/half.json", pipeline(node("m", "Multiply", {"multiplier": 0.5})))
        self.write("served/double.json", pipeline(node("m", "Multiply", {"multiplier": 2}), node("l", "Log", {"message": "doubled"})))
        os.remove(self.path("served/never.json"))
        config |= {"pipelines": self.path("served"), "drain_ms": 300, "threads": 3, "lanes": {"narrow": {"max_concurrency": 2}}}
        self.write("host.json", config)
        self.assertEqual(self.heddle("apply").out.splitlines(), [
            "+ pipeline half", "~ pipeline double", "- pipeline never", "~ lane narrow", "~ setting drain_ms",
            '! note: "threads" counts from the next start on'])
        self.assertEqual(json.loads(self.heddle("submit", "pipeline/half", "8", "--wait").out), {"outputs": [4]})
        config["auth"] = {"tokens": [{"name": "me", "token": "one-two-three", "scopes": ["admin", "read"]}]}
        config["listen"].append({"endpoint": "127.0.0.1:0"})
        self.write("host.json", config)
        answer = json.loads(self.heddle("apply", "--json").out)
        self.assertEqual((answer["settings"], answer["pipelines"]["added"], len(answer["listeners"]["opened"]), answer["listeners"]["closed"]), (["auth.tokens"], [], 1, []))
        second = answer["listeners"]["opened"][0]
        self.assertIn("token", self.heddle("apply", code=NOT_ALLOWED).err)
        config["listen"].pop()
        self.write("host.json", config)
        self.assertEqual(self.heddle("apply", env={"HEDDLE_TOKEN": "one-two-three"}).out, "- listener " + second + "\n")

    def test_an_error_is_shown_with_its_place_and_changes_nothing(self):
        self.serve()
        self.write("host.json", '{\n  "listne": []\n}')
        said = self.heddle("apply", code=INVALID).err
        self.assertRegex(said, r'(?m)host.json:2:3: error\[unknown-key\].*\n(.*\n)*.*did you mean "listen"')
        error = self.heddle("apply", "--json", code=INVALID).report["error"]
        self.assertEqual(error["code"], "invalid")
        self.assertIn("host.json:2:3", error["message"])
        self.write("host.json", {"listen": [{"endpoint": self.url.removeprefix("http://")}], "pipelines": self.path("served")})
        self.write("served/double.json", pipeline(node("m", "Multiplyy")))
        self.assertIn('did you mean "Multiply"', self.heddle("apply", code=INVALID).err)
        self.assertEqual(json.loads(self.heddle("submit", "pipeline/double", "3", "--wait").out), {"outputs": [6]})

    def test_without_a_host_it_says_so(self):
        self.assertIn("cannot reach the host", self.heddle("apply", code=UNREACHABLE).err)


class Doctor(HostCase):
    def findings(self, *arguments, code=None):
        report = json.loads(self.heddle("doctor", *arguments, "--json", code=code).out)
        return report["ok"], {(f["check"], f["level"]): f["message"] for f in report["findings"]}

    def test_a_host_that_is_well(self):
        self.serve()
        ok, found = self.findings(code=0)
        self.assertTrue(ok)
        for check in ("host", "token", "ready", "store", "dead letters", "lanes", "config"):
            self.assertIn((check, "ok"), found)

    def test_the_disk_of_the_store_is_looked_at(self):
        self.serve(store={"type": "Sqlite", "params": {"path": self.path("jobs.db")}}, lanes={"safe": {"durability": "durable"}})
        _, found = self.findings("--config", self.path("host.json"), code=0)
        self.assertIn("survive a restart", found["store", "ok"])
        self.assertTrue(any(check == "disk" and self.folder in message for (check, _), message in found.items()), found)
        id = self.submit("pipeline/double", "1", "--lane", "safe")
        self.heddle("jobs", "wait", str(id))
        self.assertTrue(self.job(id)["durable"])

    def test_what_is_not_well_is_said_with_what_to_do(self):
        self.serve()
        self.heddle("submit", "pipeline/never", "1", "--wait", code=FAILED)
        self.heddle("lanes", "pause", "prompt")
        self.write("not_a_plugin.so", "nothing")
        text = self.heddle("doctor", "--plugin-dir", self.folder).out
        self.assertRegex(text, r"(?m)^warning +dead letters +1 job has failed for good\n +-> .*heddle dlq")
        self.assertRegex(text, r"(?m)^warning +lanes +lane prompt is paused.*\n +-> .*heddle lanes resume prompt")
        self.assertRegex(text, r"(?m)^warning +plugins +\S*not_a_plugin\.so is not used: ")
        self.assertNotIn("\nok ", self.heddle("doctor", "-q").out)

    def test_it_works_without_a_host(self):
        ok, found = self.findings("--host", "http://127.0.0.1:1", code=FAILED)
        self.assertFalse(ok)
        self.assertIn("Connection refused", found["host", "error"])
        self.assertIn("not checked", found["host", "unknown"])
        self.assertTrue(any(check == "plugins" for check, _ in found))

    def test_a_broken_configuration_is_shown_with_its_place(self):
        path = self.write("broken.json", '{\n  "listne": []\n}\n')
        text = self.heddle("doctor", "--config", path, code=FAILED).out
        self.assertRegex(text, r"(?m)^error +config +\S*broken\.json:2:3: .*listne.*\n +-> .*listen")


if __name__ == "__main__":
    unittest.main()
