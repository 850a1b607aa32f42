"""What a handler is given, and what becomes of what it gives back."""
import json
import logging
import time
import unittest

from host_client import TIMEOUT, WorkerCase
from heddle_worker import SKIPPED, Cancelled, Ref, Worker

SPEC = {"task_kind": "k", "task_version": "1.0.0", "inputs": [{"name": "n", "type": "int"}, {"name": "at", "type": "string"}], "outputs": [{"name": "m", "type": "int"}]}


class TaskCase(WorkerCase):
    def ask(self, function=None, result=None, inputs=None, spec=None, **more):
        """The completion of one task of a handler that does this, or returns that."""
        worker = Worker("1.0.0")
        worker.handler("k", spec=spec)(function or (lambda task: result))
        server = worker.start("127.0.0.1:0")
        self.server = server
        channel = self.dial()
        self.channel = channel
        stream = self.stream().opened()
        stream.assign(inputs=inputs, **more)
        ended = stream.completion()
        server.close()
        return ended


class Tasks(TaskCase):
    def test_a_handler_sees_the_assignment(self):
        seen = []
        raw = [dict(name="where", ref="https://host/x?sig=1"), dict(name="data", inline_bytes=b"\0\xff"), dict(name="none"), dict(name="checkpoint", ref="s3://c")]
        self.ask(seen.append, inputs={"json": {"a": [1, 2.5, None]}}, raw_inputs=raw, task_version="1.0", workflow_instance_id="w", upload_prefix="https://up/", soft_deadline_unix=4_102_444_800)
        task = seen[0]
        self.assertEqual(task.inputs, {"json": {"a": [1, 2.5, None]}, "where": "https://host/x?sig=1", "data": b"\0\xff", "none": b""})
        self.assertIsInstance(task.inputs["where"], Ref)
        self.assertEqual(repr(task.inputs["where"]), "Ref(https://host/x?…)")
        self.assertEqual((task.activity_id, task.run_id, task.kind, task.version, task.workflow_instance_id), ("a", "1", "k", "1.0", "w"))
        self.assertEqual((task.upload_prefix, task.deadline, task.checkpoint), ("https://up/", 4_102_444_800, "s3://c"))
        self.assertFalse(task.cancelled.is_set())
        task.check()
        task.progress(3)  # too late, and nothing happens
        self.ask(seen.append)
        self.assertEqual((seen[1].deadline, seen[1].checkpoint, seen[1].inputs), (None, None, {}))

    def test_a_task_has_failed_when_its_deadline_passes(self):
        why = []

        def wait(task):
            task.cancelled.wait(TIMEOUT)
            try:
                task.check()
            except Cancelled as given_up:
                why.append(str(given_up))
                raise
        ended = self.ask(wait, soft_deadline_unix=int(time.time()) + 1)
        self.assertEqual((ended.status, ended.error, why), ("ERROR", "the deadline has passed", ["the deadline has passed"]))
        ended = self.ask(lambda task: 1, soft_deadline_unix=int(time.time()) - 1)
        self.assertEqual((ended.status, ended.error), ("ERROR", "the deadline has passed"))

    def test_what_it_returns_becomes_the_result(self):
        for result, inline in (({"ä": (1, None)}, '{"ä":[1,null]}'.encode()), (None, b"null"), (b"\0\xff", b"\0\xff"), (bytearray(b"x"), b"x"), ([], b"[]")):
            ended = self.ask(result=result)
            self.assertEqual((ended.status, ended.result_inline, ended.result_ref), ("SUCCESS", inline, ""))
        ended = self.ask(result=Ref("s3://there"))
        self.assertEqual((ended.status, ended.result_inline, ended.result_ref), ("SUCCESS", b"", "s3://there"))
        self.assertEqual(self.ask(result=SKIPPED).status, "SKIPPED")

    def test_a_result_that_is_none_fails(self):
        circle = []
        circle.append(circle)
        for result in (object(), {1: {2}}, float("nan"), circle, "\ud800", Ref("")):
            ended = self.ask(result=result)
            self.assertEqual((ended.status, ended.result_inline), ("ERROR", b""), result)
        self.assertIn("more than fit into a message", self.ask(result=bytes(64 << 20)).error)
        self.assertEqual(len(self.ask(result=bytes(60 << 20)).result_inline), 60 << 20)

    def test_inputs_that_cannot_be_read_fail_without_being_shown(self):
        for raw, why in ((dict(name="n", inline_json='{"secret'), 'the input "n" is not JSON: line 1, column 2'), (dict(name="n", inline_json="NaN"), "is not JSON"),
                         (dict(name="n", inline_json="[" * 100_000), "nested too deep"), (dict(name="n", ref="secret", inline_json="1"), "has ref and inline_json"),
                         (dict(name="", ref="secret"), "input 1 needs a name"), (dict(name="x" * 2000, ref="secret"), "needs a name of at most")):
            ended = self.ask(raw_inputs=[raw])
            self.assertEqual(ended.status, "ERROR")
            self.assertIn(why, ended.error)
            self.assertNotIn("secret", ended.error)
        self.assertIn("there twice", self.ask(raw_inputs=[dict(name="n"), dict(name="n")]).error)
        self.assertIn("at most 1000", self.ask(raw_inputs=[dict(name=str(i)) for i in range(1001)]).error)

    def test_what_it_raises_is_the_error_and_shows_nothing_of_the_inputs(self):
        lines = []
        handler = logging.Handler()
        handler.emit = lambda record: lines.append(record.getMessage())
        logging.getLogger("heddle_worker").addHandler(handler)
        self.addCleanup(logging.getLogger("heddle_worker").removeHandler, handler)

        def fail(task):
            try:
                raise KeyError(task.inputs["token"])
            except KeyError as inner:
                raise ValueError(f"no {task.inputs['token']}\nat {task.inputs['where']}, nor {task.inputs['data']!r}") from inner
        ended = self.ask(fail, inputs={"token": "hunter2'\n"}, raw_inputs=[dict(name="where", ref="https://host/x?sig=abcd"), dict(name="data", inline_bytes=b"passw\"rd")])
        self.assertEqual((ended.status, ended.error), ("ERROR", "ValueError: no … at …, nor b'…'"))
        self.assertIn("Traceback", lines[0])
        self.assertIn("raise KeyError", lines[0])
        for secret in ("hunter2", "sig=", "passw"):
            self.assertNotIn(secret, lines[0])
        self.assertEqual(self.ask(lambda task: exit(3)).error, "SystemExit: 3")

        class Mute(Exception):
            def __str__(self):
                raise self

        def fail_mutely(task):
            raise Mute()
        self.assertEqual(self.ask(fail_mutely).error, "Mute")

        def fail_by_halves(task):
            task.progress(1, "\ud800", checkpoint="\ud800")
            raise ValueError("\udfff" + task.inputs["half"])
        self.assertEqual(self.ask(fail_by_halves, inputs={"half": "\ud800abcd"}).error, "ValueError: ?…")
        self.assertEqual(self.ask(result=Ref("\ud800")).result_ref, "?")

        def give_up(task):
            raise Cancelled()
        self.assertEqual(self.ask(give_up).error, "cancelled")
        self.assertLess(len(self.ask(lambda task: 1 / 0 if not task else int("x" * 5000)).error), 600)

    def test_names_that_are_none_are_refused(self):
        self.add(lambda task: 1)
        self.start()
        stream = self.stream().opened()
        for activity, run in (("", "1"), ("a", ""), ("a" * 1001, "1")):
            stream.assign(activity, run)
            self.assertIn("needs an activity_id and a run_id", stream.completion(activity, run).error)


class Choice(TaskCase):
    def test_the_best_handler_is_taken(self):
        for version in ("1.0.0", "1.x", "^2.1"):
            self.add(lambda task, version=version: version, version=version)
        self.start()
        stream = self.stream().opened()
        for i, (asked, taken) in enumerate((("1.0.0", "1.0.0"), ("1.7.0", "1.x"), ("2.2", "^2.1"), ("", "^2.1"))):
            stream.assign(str(i), task_version=asked)
            self.assertEqual(json.loads(stream.completion(str(i)).result_inline), taken)
            stream.until("capacity", lambda it: it.available_slots == 1)
        stream.assign("x", task_version="3.0.0")
        self.assertEqual(stream.completion("x").error, 'no handler of "k" for version 3.0.0; there are "1.0.0", "1.x", "^2.1"')
        stream.until("capacity", lambda it: it.available_slots == 1)
        stream.assign("y", kind="q")
        self.assertEqual(stream.completion("y").error, 'no handler of "q"; there are "k"')
        stream.until("capacity", lambda it: it.available_slots == 1)
        stream.assign("z", task_version="new")
        self.assertEqual(stream.completion("z").error, '"new" is not a version')


class Bound(TaskCase):
    def test_what_fits_the_spec_is_done(self):
        ended = self.ask(lambda task: {"m": task.inputs["n"]}, inputs={"n": 10 ** 30, "at": "here"}, spec=SPEC, task_version="1.0.0")
        self.assertEqual(json.loads(ended.result_inline), {"m": 10 ** 30})
        ended = self.ask(lambda task: b'{"m": 1}', inputs={"n": 1}, raw_inputs=[dict(name="at", ref="s3://here"), dict(name="checkpoint", ref="s3://c")], spec=SPEC)
        self.assertEqual(ended.status, "SUCCESS", ended.error)
        self.assertEqual(self.ask(result=Ref("s3://x"), inputs={"n": 1, "at": ""}, spec=SPEC).status, "SUCCESS")

    def test_inputs_that_do_not_fit_call_no_handler(self):
        calls = []
        ended = self.ask(calls.append, inputs={"n": True, "att": "hunter2"}, spec=SPEC)
        self.assertEqual((ended.status, ended.error, calls),
                         ("ERROR", 'activity "k": /n: must be int, not the boolean true; /at: the input is missing; /att: there is no such input; did you mean "at"?', []))
        ended = self.ask(calls.append, inputs={"n": 1}, raw_inputs=[dict(name="at", inline_bytes=b"x")], spec=SPEC)
        self.assertEqual((ended.error, calls), ('activity "k": /at: must be string, not 1 byte', []))

    def test_outputs_that_do_not_fit_fail(self):
        for result, why in (({"m": "1"}, "/m: must be int, not a text of 1 character"), (None, "/m: the output is missing"), ([1], "the outputs must be a map, not a list of 1"),
                            (b"\xff", "the outputs must be a map, not 1 byte"), ({"m": 1, "o": 2}, "/o: there is no such output"), ({"m": 1.0}, "/m: must be int")):
            ended = self.ask(result=result, inputs={"n": 1, "at": ""}, spec=SPEC)
            self.assertEqual((ended.status, ended.result_inline), ("ERROR", b""))
            self.assertIn(why, ended.error)

    def test_the_version_of_the_spec_is_the_handlers(self):
        self.assertIn('there are "1.0.0"', self.ask(result={}, spec=SPEC, task_version="1.0.1").error)


if __name__ == "__main__":
    unittest.main()
