"""The node type Sidecar, over worker processes: what they do, and what happens when they fail, hang, come late or go."""
import json
import os
import random
import re
import signal
import subprocess
import tempfile
import threading
import time
import unittest

from host import HostCase
from program import BUILD, DEAD_LETTERS, INTERRUPTED, INVALID, TERMINATED, TIMEOUT, HeddleCase, lines, node, pipeline
from workers import PYTHON, SCRIPT, WorkerProcess, free_port

JAVASCRIPT = os.environ.get("HEDDLE_JAVASCRIPT")  # where that library is installed; not under sanitizers, which have nothing to look at in it

SPEC = """
task_kind: echo
task_version: 1.0.0
inputs:
  - {name: item, type: int}
outputs:
  - {name: n, type: int}
"""


class SidecarCase(HeddleCase):
    def worker(self, how="whole", **more):
        return WorkerProcess(self, how, **more).start().wait()

    def sidecar(self, *workers, idempotent=None, **params):
        endpoints = [one if isinstance(one, str) else one.endpoint for one in workers]
        more = {} if idempotent is None else {"idempotent": idempotent}
        return pipeline(node("do", "Sidecar", {"endpoints": endpoints, **params}, **more))

    def letters(self, answer):
        with open(answer.report["dead_letter_file"], encoding="utf-8") as file:
            return [json.loads(line) for line in file]

    def failure(self, manifest, items=({"item": 1},)):
        """The error of the one item that fails."""
        answer = self.run_manifest(manifest, items, code=DEAD_LETTERS)
        [letter] = self.letters(answer)
        return letter


class WhatWorkersDo(SidecarCase):
    def test_an_item_goes_in_and_its_result_comes_out(self):
        answer = self.run_manifest(self.sidecar(self.worker(), kind="echo"), [{"item": n} for n in range(200)])
        self.assertEqual(answer.items, list(range(200)))

    def test_what_there_was_nothing_to_do_for_is_filtered(self):
        answer = self.run_manifest(self.sidecar(self.worker(), kind="skip"), [{"item": 1}, {"item": 2}])
        self.assertEqual((answer.items, answer.report["connections"][0]["filtered"]), ([], 2))

    def test_a_failure_says_what_the_worker_says_and_is_tried_once(self):
        worker = self.worker()
        error = self.failure(self.sidecar(worker, kind="fail"))
        self.assertEqual(error["code"], "SidecarFailed")
        self.assertRegex(error["message"], rf'^"fail" was not done: at {worker.endpoint}: ValueError: cannot do 1 \(\d+ ms\)$')
        self.assertEqual(len(worker.runs()), 1)

    def test_what_may_be_done_twice_is_run_again_under_another_id(self):
        worker = self.worker()
        error = self.failure(self.sidecar(worker, kind="fail", idempotent=True, retry={"initial_backoff_ms": 1}))
        self.assertEqual([one["run"] for one in worker.runs()], ["1", "2", "3"])
        self.assertEqual(len({one["activity"] for one in worker.runs()}), 1)
        self.assertEqual([one["run"] for one in error["details"]["runs"]], ["1", "2", "3"])

    def test_the_next_run_goes_on_from_the_checkpoint(self):
        answer = self.run_manifest(self.sidecar(self.worker(), kind="steps", idempotent=True, retry={"initial_backoff_ms": 1}), [{"item": 1}])
        self.assertEqual(answer.items, [{"from": "2"}])

    def test_who_asks_hears_how_far_it_is(self):
        answer = self.run_manifest(self.sidecar(self.worker(), kind="steps", idempotent=True, retry={"initial_backoff_ms": 1}), [{"item": 1}], "-v")
        said = [json.loads(line) for line in answer.err.splitlines()]
        self.assertIn(("do", "item 1: 75 %: step 3"), [(line.get("who"), line.get("message")) for line in said])
        self.assertNotIn("item 1: ", [line.get("message") for line in said])

    def test_workers_that_have_only_http_work_just_so(self):
        worker = self.worker("rest")
        answer = self.run_manifest(self.sidecar(worker, sidecar="execution_rest", kind="echo", with_history=True), [{"item": n} for n in range(50)])
        self.assertEqual([one["result"] for one in answer.items], list(range(50)))
        self.assertEqual(len(worker.runs()), 50)

    def test_so_do_those_that_speak_nsn(self):
        script = os.path.join(os.environ["HEDDLE_SOURCE"], "tests/conformance/nsn_sidecar.py")
        environment = {**os.environ, "PYTHONPATH": os.path.join(BUILD, "tests/conformance/python"), "PYTHONDONTWRITEBYTECODE": "1"}
        sidecar = subprocess.Popen([PYTHON, script, "whole", "0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment)
        self.addCleanup(self._end, sidecar)
        endpoint = f"127.0.0.1:{int(sidecar.stdout.readline())}"
        answer = self.run_manifest(self.sidecar(endpoint, sidecar="nsn", kind="echo", slots=4, params={"model_id": "resident"}), [{"n": n} for n in range(20)])
        self.assertEqual(answer.items, [{"n": n} for n in range(20)])

    def test_inputs_are_checked_before_a_worker_has_them(self):
        worker = self.worker()
        error = self.failure(self.sidecar(worker, kind="echo", spec=self.write("spec.yaml", SPEC)), [{"item": "x", "more": 1}])
        self.assertEqual(error["code"], "SidecarRefused")
        self.assertIn("/item", error["message"])
        self.assertIn("/more", error["message"])
        self.assertEqual(worker.runs(), [])

    def test_results_are_checked_when_they_come(self):
        error = self.failure(self.sidecar(self.worker(), kind="echo", spec=self.write("spec.yaml", SPEC)))
        self.assertEqual(error["code"], "SidecarFailed")
        self.assertIn("what the worker made does not fit the activity spec", error["message"])

    def test_a_spec_that_is_wrong_ends_the_run_before_it_begins(self):
        for text, said in ((SPEC.replace("int}", "integer}", 1), r"spec\.yaml:5:\d+: "), (SPEC.replace("echo", "ecco"), 'did you mean "ecco"')):
            answer = self.heddle("run", self.write("m.json", self.sidecar(self.worker(), kind="echo", spec=self.write("spec.yaml", text))), stdin=b"", code=None)
            self.assertNotEqual(answer.code, 0)
            self.assertRegex(answer.err, said)

    def test_a_result_of_many_megabytes_arrives(self):
        answer = self.run_manifest(self.sidecar(self.worker(), kind="large"), [{"item": 60 << 20}])
        self.assertEqual(len(answer.items[0]), 60 << 20)

    def test_a_result_that_is_larger_than_is_wanted_fails_and_nothing_else(self):
        manifest = self.sidecar(self.worker(), kind="large", most_bytes=1 << 20)
        answer = self.run_manifest(manifest, [{"item": n} for n in (10, 3 << 19, 20)], code=DEAD_LETTERS)
        self.assertEqual([len(one) for one in answer.items], [10, 20])
        [letter] = self.letters(answer)
        self.assertIn("larger than is taken", letter["message"])
        # One that gRPC itself does not take ends the stream, and takes along what was done beside it; but it ends.
        [letter] = self.letters(self.run_manifest(manifest, [{"item": 8 << 20}], code=DEAD_LETTERS))
        self.assertIn("larger than twice the 1048576 bytes", letter["message"])

    def test_a_minimal_worker_works_on_as_many_streams_as_it_has_slots(self):
        worker = self.worker("least")
        answer = self.run_manifest(self.sidecar(worker, slots=100), [{"item": n} for n in range(200)])
        self.assertEqual(answer.items, list(range(200)))
        runs = worker.runs()
        most = max(sum(one["begin"] <= at["begin"] < one["end"] for one in runs) for at in runs)
        self.assertEqual(most, 100)


class OverTls(SidecarCase):
    @classmethod
    def setUpClass(cls):
        cls.certificates = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.certificates.cleanup)

        def openssl(*arguments):
            subprocess.run(["openssl", *arguments], cwd=cls.certificates.name, check=True, capture_output=True)

        for name in ("worker", "host"):
            openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=here", "-addext", "subjectAltName=IP:127.0.0.1",
                    "-keyout", f"{name}.key", "-out", f"{name}.pem")
        openssl("req", "-new", "-key", "worker.key", "-subj", "/CN=here", "-out", "request")
        with open(os.path.join(cls.certificates.name, "names"), "w", encoding="utf-8") as file:
            file.write("subjectAltName=IP:127.0.0.1\n")
        openssl("x509", "-req", "-in", "request", "-signkey", "worker.key", "-days", "-1", "-extfile", "names", "-out", "expired.pem")

    def file(self, name):
        return os.path.join(self.certificates.name, name)

    def test_both_sides_know_each_other(self):
        worker = self.worker(tls={"certificate": self.file("worker.pem"), "key": self.file("worker.key"), "client_ca": self.file("host.pem")})
        tls = {"ca": self.file("worker.pem"), "certificate": self.file("host.pem"), "key": self.file("host.key")}
        self.assertEqual(self.run_manifest(self.sidecar(worker, kind="echo", tls=tls), [{"item": 1}]).items, [1])
        error = self.failure(self.sidecar(worker, kind="echo", tls={"ca": self.file("worker.pem")}, absent_ms=4000))
        self.assertEqual(error["code"], "NoWorker")

    def test_a_worker_that_is_not_known_gets_nothing(self):
        worker = self.worker(tls={"certificate": self.file("worker.pem"), "key": self.file("worker.key")})
        error = self.failure(self.sidecar(worker, kind="echo", tls={"ca": self.file("host.pem")}, absent_ms=4000))
        self.assertEqual(error["code"], "NoWorker")
        self.assertRegex(error["message"], "(?i)certificate|handshake|ssl")
        self.assertEqual(worker.runs(), [])

    def test_an_expired_certificate_is_none(self):
        worker = self.worker(tls={"certificate": self.file("expired.pem"), "key": self.file("worker.key")})
        error = self.failure(self.sidecar(worker, kind="echo", tls={"ca": self.file("expired.pem")}, absent_ms=4000))
        self.assertEqual(error["code"], "NoWorker")
        self.assertRegex(error["message"], "(?i)certificate|handshake|ssl")
        self.assertEqual(worker.runs(), [])


class ObjectsOfAStore(SidecarCase):
    """A store that speaks S3, and looks at every signature: tests/conformance/s3rver."""

    def setUp(self):
        super().setUp()
        script = os.path.join(os.environ["HEDDLE_SOURCE"], "tests/conformance/s3rver/store.js")
        store = subprocess.Popen(["node", script, os.environ["HEDDLE_S3RVER"], self.path("objects")], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.addCleanup(self._end, store)
        self.endpoint = f"http://127.0.0.1:{int(store.stdout.readline())}"

    def broker(self, secret="${env.STORE_SECRET}", **more):
        return {"type": "s3", "params": {"endpoint": self.endpoint, "region": "eu-test-1", "bucket": "jobs", "access_key": "S3RVER", "secret_key": secret, **more}, "uploads": "results/"}

    def shout(self, worker, items, broker=None, code=0):
        return self.run_manifest(self.sidecar(worker, kind="shout", broker=broker or self.broker()), items, code=code, env={"STORE_SECRET": "the-secret-of-the-store"})

    def put(self, name, text):
        """As a worker does: its result is the object."""
        folder = os.path.join(self.path("objects"), "jobs")
        wait_for(lambda: os.path.isdir(folder))
        with open(os.path.join(folder, f"{name}._S3rver_object"), "wb") as file:
            file.write(text)

    def test_workers_get_urls_and_no_credential(self):
        worker = self.worker()
        self.put("greeting", b"hello there")
        answer = self.shout(worker, [{"text": {"$ref": "greeting"}}])
        [result] = answer.items
        self.assertRegex(result["ref"], "^results/[0-9a-f]+-[0-9]+/1$")
        # What was put there is read by the name that the result has.
        again = self.shout(worker, [{"text": {"$ref": result["ref"]}}])
        with open(worker.journal + ".given", encoding="utf-8") as file:
            given = file.read()
        self.assertIn("X-Amz-Signature=", given)
        for secret in ("the-secret-of-the-store",):
            self.assertNotIn(secret, given)
            self.assertNotIn(secret, answer.err + again.err)
        with open(os.path.join(self.path("objects"), "jobs", again.items[0]["ref"] + "._S3rver_object"), "rb") as file:
            self.assertEqual(file.read(), b"HELLO THERE")

    def test_workers_that_the_host_starts_do_not_get_its_secrets(self):
        self.put("greeting", b"hello there")
        process = {"command": [PYTHON, SCRIPT, "whole", "{port}", self.path("journal")], "env": {"PYTHONPATH": os.path.join(os.environ["HEDDLE_SOURCE"], "sdk/python")}}
        manifest = pipeline(node("do", "Sidecar", {"process": process, "kind": "shout", "broker": self.broker()}))
        self.run_manifest(manifest, [{"text": {"$ref": "greeting"}}], env={"STORE_SECRET": "the-secret-of-the-store", "OTHER": "this one it may have"})
        with open(self.path("journal.given"), encoding="utf-8") as file:
            given = file.read()
        self.assertIn("this one it may have", given)
        self.assertNotIn("the-secret-of-the-store", given)

    def test_what_the_broker_does_not_give_is_refused(self):
        error = self.letters(self.shout(self.worker(), [{"text": {"$ref": "s3://other/greeting"}}], code=DEAD_LETTERS))[0]
        self.assertEqual(error["code"], "SidecarRefused")
        self.assertIn('there is no URL for the object "s3://other/greeting"', error["message"])

    def test_a_wrong_secret_shows_where_it_is_used(self):
        self.put("greeting", b"hello there")
        error = self.letters(self.shout(self.worker(), [{"text": {"$ref": "greeting"}}], broker=self.broker(secret="a-wrong-secret"), code=DEAD_LETTERS))[0]
        self.assertEqual(error["code"], "SidecarFailed")
        self.assertIn("403", error["message"])
        self.assertNotIn("X-Amz", error["message"])

    def test_a_broker_that_is_not_there(self):
        answer = self.heddle("run", self.write("m.json", self.sidecar("127.0.0.1:1", broker={"type": "s4", "params": {}})), code=None)
        self.assertIn('did you mean "s3"?', answer.err)


class WorkersOfAHost(HostCase):
    def host(self, worker, **config):
        os.makedirs(self.path("served"))
        lanes = {"low": {"priority": 5}, "high": {"priority": 1}}
        for name, kind, lane in (("low", "wait_once", "low"), ("high", "echo", "high"), ("wait", "wait", "high")):
            self.write(f"served/{name}.json", pipeline(node("do", "Sidecar", {"endpoint": worker.endpoint, "kind": kind}, idempotent=True, lane=lane), lanes=lanes))
        return self.serve(lanes={"low": {"priority": 5, "preemptible": True}, "high": {"priority": 1}}, **config)

    def test_jobs_say_how_far_they_are_and_end_with_their_task(self):
        worker = WorkerProcess(self).start().wait()
        self.host(worker)
        job = self.submit("pipeline/wait", '{"item": 1}')
        wait_for(lambda: self.job(job).get("progress"))
        self.assertEqual(self.job(job)["progress"], {"percent": 1.0, "message": "do: 1 %: it waits"})
        self.heddle("jobs", "cancel", str(job))
        wait_for(lambda: worker.runs()[0]["end"])

    def test_a_higher_lane_takes_the_place_of_one_that_may_be_done_again(self):
        worker = WorkerProcess(self).start().wait()
        self.host(worker)
        low = [self.submit("pipeline/low", '{"item": 1}') for _ in range(4)]  # as many as there are slots
        wait_for(lambda: len(worker.runs()) == 4)
        high = self.submit("pipeline/high", '{"item": 7}')
        wait_for(lambda: self.job(high)["state"] == "done")
        wait_for(lambda: len(worker.runs()) == 6, lambda: (worker.runs(), [self.job(job) for job in [*low, high]]))
        again = [one for one in worker.runs() if one["run"] == "2"]
        self.assertEqual(len(again), 1)
        [first] = [one for one in worker.runs() if one["activity"] == again[0]["activity"] and one["run"] == "1"]
        self.assertLess(first["end"], again[0]["begin"])
        wait_for(lambda: sum(self.job(job)["state"] == "done" for job in low) == 1)  # the second run of it does not wait
        for job in low:
            self.heddle("jobs", "cancel", str(job), code=None)

    def test_a_manifest_from_elsewhere_starts_no_processes(self):
        worker = WorkerProcess(self).start().wait()
        self.host(worker, execute={"inline": True, "node_types": ["Sidecar"]})
        sent = pipeline(node("do", "Sidecar", {"process": {"command": ["touch", self.path("made")]}, "absent_ms": 100}))
        params = {"transport": "http", "endpoint": self.url.removeprefix("http://"), "manifest_source": {"type": "inline", "manifest": sent}}
        answer = self.heddle("run", self.write("m.json", pipeline(node("there", "RemotePipeline", params))), "--input", "-", stdin=b"1\n", code=DEAD_LETTERS)
        self.assertIn("a manifest that was sent to this host starts no processes", answer.err)
        self.assertFalse(os.path.exists(self.path("made")))


class WorkersThatTheHostStarts(SidecarCase):
    def started(self, kind, how="whole", idempotent=None, process={}, **params):
        self.journal = self.path("journal")
        command = [PYTHON, SCRIPT, how, "{port}", self.journal]
        env = {"PYTHONPATH": os.path.join(os.environ["HEDDLE_SOURCE"], "sdk/python"), "PYTHONDONTWRITEBYTECODE": "1"}
        more = {} if idempotent is None else {"idempotent": idempotent}
        return pipeline(node("do", "Sidecar", {"process": {"command": command, "env": env, **process}, "kind": kind, **params}, **more))

    def pids(self):
        try:
            with open(self.journal, encoding="utf-8") as file:
                return [json.loads(line)[3] for line in file]
        except FileNotFoundError:
            return []

    def gone(self, pid):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            return file.read().rpartition(")")[2].split()[0] == "Z"

    def test_they_work_and_go_with_it(self):
        answer = self.run_manifest(self.started("some", process={"count": 2}), [{"item": n} for n in range(150)], "-v")
        self.assertEqual(sorted(one["n"] for one in answer.items), list(range(150)))
        pids = [int(pid) for pid in re.findall(r"started, as process (\d+)", answer.err)]
        self.assertEqual(len(pids), 2)
        self.assertTrue(all(self.gone(pid) for pid in pids))

    def test_they_go_with_it_though_it_is_killed(self):
        heddle = self.start("run", self.write("m.json", self.started("wait")), "--input", self.write("i", lines([{"item": 1}])))
        wait_for(self.pids)
        heddle.kill()
        heddle.wait()
        wait_for(lambda: self.gone(self.pids()[0]))

    def test_one_that_ends_is_started_again(self):
        answer = self.run_manifest(self.started("die", idempotent=True, retry={"initial_backoff_ms": 1}), [{"item": 1}], code=DEAD_LETTERS)
        self.assertEqual(len(set(self.pids())), 3)
        self.assertRegex(answer.err, "the process ended with exit code 7, and is started again in 100 ms; it last said: that is too much for me")
        [letter] = self.letters(answer)
        self.assertEqual((letter["code"], len(letter["details"]["runs"])), ("SidecarLost", 3))

    def test_one_that_takes_too_much_memory_is_ended(self):
        answer = self.run_manifest(self.started("hoard", process={"memory_mb": 200}), [{"item": 1}], code=DEAD_LETTERS)
        self.assertIn("the process has more than the 200 MiB of memory that it may have, and is ended", answer.err)

    def test_what_they_say_is_in_the_log(self):
        answer = self.run_manifest(self.started("say"), [{"item": "hello there"}], "-v")
        self.assertIn("hello there", [json.loads(line).get("message") for line in answer.err.splitlines()])

    def test_a_program_that_is_not_there(self):
        answer = self.run_manifest(pipeline(node("do", "Sidecar", {"process": {"command": ["/no/such/program"]}, "absent_ms": 300})), [{"item": 1}], code=DEAD_LETTERS)
        self.assertIn("cannot be started: /no/such/program: No such file or directory", answer.err)


class WhenWorkersFail(SidecarCase):
    def test_nobody_there(self):
        endpoint = f"127.0.0.1:{free_port()}"
        error = self.failure(self.sidecar(endpoint, kind="echo", absent_ms=3000))
        self.assertEqual(error["code"], "NoWorker")
        self.assertIn(endpoint, error["message"])
        self.assertIn("refused", error["message"])

    def test_one_that_is_slow_to_start_is_waited_for(self):
        worker = WorkerProcess(self)
        timer = threading.Timer(1, worker.start)
        timer.start()
        self.addCleanup(timer.join)
        answer = self.run_manifest(self.sidecar(worker, kind="echo"), [{"item": 1}])
        self.assertEqual(answer.items, [1])

    def test_one_that_dies_with_work_in_hand_loses_it(self):
        worker = self.worker()
        heddle = self.start("run", self.write("m.json", self.sidecar(worker, kind="wait", reattach_ms=200)), "--input", self.write("i", lines([{"item": 1}])), "--json")
        wait_for(worker.runs)
        worker.kill()
        answer = self.finish(heddle)
        self.assertEqual(answer.code, DEAD_LETTERS, answer)
        [letter] = self.letters(answer)
        self.assertEqual(letter["code"], "SidecarLost")

    def test_one_that_hangs_is_given_up_at_its_time(self):
        worker = self.worker()
        heddle = self.start("run", self.write("m.json", self.sidecar(worker, kind="wait", timeout_ms=5000)), "--input", self.write("i", lines([{"item": 1}])), "--json")
        wait_for(worker.runs)
        worker.stop()
        answer = self.finish(heddle)
        [letter] = self.letters(answer)
        self.assertEqual(letter["code"], "SidecarTimeout")

    def test_a_run_that_takes_too_long_is_cancelled_and_another_begins(self):
        worker = self.worker()
        error = self.failure(self.sidecar(worker, kind="wait", idempotent=True, attempt_timeout_ms=2000, retry={"max_attempts": 2, "initial_backoff_ms": 1}))
        self.assertEqual(error["code"], "SidecarTimeout")
        self.assertIn("the run took longer than 2000 ms", error["message"])
        first, second = worker.runs()
        self.assertLess(first["end"], second["begin"])

    def test_an_interrupt_reaches_the_worker(self):
        worker = self.worker()
        heddle = self.start("run", self.write("m.json", self.sidecar(worker, kind="wait")), "--input", self.write("i", lines([{"item": 1}])), "--json")
        wait_for(worker.runs)
        heddle.send_signal(signal.SIGINT)   # finishes what is inside
        heddle.send_signal(signal.SIGTERM)  # gives it up
        self.assertIn(self.finish(heddle).code, (INTERRUPTED, TERMINATED))
        wait_for(lambda: worker.runs()[0]["end"])

    def test_no_plain_text_to_another_machine(self):
        answer = self.heddle("run", self.write("m.json", self.sidecar("192.0.2.1:7070", kind="echo")), code=None)
        self.assertNotEqual(answer.code, 0)
        self.assertIn('"tls"', answer.err)

    def test_versions_that_do_not_meet_are_both_named(self):
        error = self.failure(self.sidecar(self.worker("newer"), kind="echo", absent_ms=4000))
        self.assertEqual(error["code"], "NoWorker")
        self.assertIn("2.0.0 to 2.3.0", error["message"])
        self.assertIn("1.0.0", error["message"])

    def test_who_speaks_something_else_is_no_worker(self):
        error = self.failure(self.sidecar(self.worker("other"), kind="echo", absent_ms=500))
        self.assertEqual(error["code"], "NoWorker")

    def test_a_policy_with_what_it_has_not_is_refused(self):
        manifest = self.sidecar("127.0.0.1:1")
        manifest["policies"] = {"much": {"hedge": {"after": "p95"}, "retry": {"max_attempts": 2}}}
        manifest["nodes"][0]["policy"] = "much"
        answer = self.heddle("validate", self.write("m.json", manifest), code=INVALID)
        self.assertIn('has no "hedge", which its policy "much" has', answer.err)

    def test_an_unknown_protocol(self):
        answer = self.heddle("run", self.write("m.json", self.sidecar("127.0.0.1:1", sidecar="executor")), code=None)
        self.assertIn('did you mean "execution"?', answer.err)

    def test_each_of_many_items_is_answered_once_though_workers_are_killed(self):
        workers = [self.worker() for _ in range(4)]
        if JAVASCRIPT:  # and four of the other library
            workers += [self.worker(command=["node", os.path.join(os.path.dirname(os.path.abspath(__file__)), "worker.js")]) for _ in range(4)]
        over = threading.Event()

        def kill():
            while not over.wait(0.2 + random.random() / 4):
                one = random.choice(workers)
                one.kill()
                one.start().wait()  # one at a time: on a slow machine nothing would ever get done

        items = [{"item": n} for n in range(1000)]
        heddle = self.start("run", self.write("m.json", self.sidecar(*workers, kind="some", idempotent=True, with_history=True, retry={"max_attempts": 20, "initial_backoff_ms": 20}, reattach_ms=3000)),
                            "--input", self.write("i", lines(items)), "--json")
        killer = threading.Thread(target=kill)
        killer.start()
        try:
            answer = self.finish(heddle)
        finally:
            over.set()
            killer.join()
        self.assertEqual(answer.code, 0, answer)
        self.assertEqual(sorted(one["result"]["n"] for one in answer.items), list(range(1000)))
        self.assertEqual(len({one["history"]["activity"] for one in answer.items}), 1000)
        runs = {}
        for worker in workers:
            for one in worker.runs():
                runs.setdefault(one["activity"], []).append(one)
        again = 0
        for one in answer.items:
            history = one["history"]["runs"]
            began = sorted(runs[one["history"]["activity"]], key=lambda run: run["begin"])
            self.assertFalse("error" in history[-1], one)
            self.assertTrue(all("error" in run for run in history[:-1]), one)
            self.assertEqual(began[-1]["run"], history[-1]["run"])
            again += len(began) > 1
            for before, after in zip(began, began[1:]):
                self.assertLessEqual(before["over"], after["begin"], began)
        self.assertGreater(again, 0, "no worker was killed with work in hand")


def wait_for(condition, seen=lambda: ""):
    deadline = time.monotonic() + TIMEOUT
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"it never came: {seen()}")
        time.sleep(0.01)


if __name__ == "__main__":
    unittest.main()
