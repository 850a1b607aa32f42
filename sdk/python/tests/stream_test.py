"""What is said on streams: greeting, capacity, progress, cancel, runs that are asked for again, drain, garbage, TLS."""
import json
import subprocess
import threading
import time
import unittest
from unittest import mock

import grpc

from host_client import TIMEOUT, Stream, WorkerCase
from heddle_worker import Cancelled, Limits
from heddle_worker.protocol import Ack, Envelope, TaskAssignment, Version
from heddle_worker.stream import Stream as WorkerStream
from heddle_worker.task_table import TaskTable


class Greeting(WorkerCase):
    def test_the_worker_says_what_it_is(self):
        self.add(lambda task: 1, "b/two")
        self.add(lambda task: 1, "a/one")
        self.start(slots=3)
        stream = self.stream(hello=("0.9.0", "1.4.0")).opened()
        self.assertEqual([what for what, _ in stream.heard], ["hello_ack", "capabilities", "capacity"])
        ack, capabilities, capacity = (message for _, message in stream.heard)
        self.assertEqual((ack.min, ack.max), ("1.0.0", "1.0.0"))
        *tags, instance = capabilities.tags
        self.assertEqual((capabilities.max_concurrency, tags, capacity.available_slots), (3, ["a/one", "b/two"], 3))
        self.assertRegex(instance, "^instance/[0-9a-f]{32}$")
        self.assertEqual(self.stream(hello=("", "")).opened().heard[0][0], "hello_ack")

    def test_versions_that_do_not_meet_end_the_stream(self):
        self.start()
        stream = self.stream(hello=("2.0.0", "2.3.0"))
        self.assertEqual(self.refused(grpc.StatusCode.FAILED_PRECONDITION, stream), "the host speaks versions 2.0.0 to 2.3.0 of the protocol, the worker 1.0.0 to 1.0.0")
        self.assertEqual([what for what, _ in stream.heard], ["hello_ack"])
        self.assertIn("not a version", self.refused(grpc.StatusCode.INVALID_ARGUMENT, self.stream(hello=("one", ""))))

    def test_garbage_ends_the_stream_and_no_other(self):
        self.start()
        good = self.stream().opened()
        stream = self.stream().opened()
        stream.say_bytes(b"\xff\xff\xff")
        self.assertIn("not an Envelope", self.refused(grpc.StatusCode.INVALID_ARGUMENT, stream))
        stream = self.stream(hello=None)
        stream.assign()
        self.assertIn('"assign" came before "hello"', self.refused(grpc.StatusCode.FAILED_PRECONDITION, stream))
        stream = self.stream().opened()
        stream.say(ack=Ack(activity_id="a"))
        self.assertIn("for the worker to say", self.refused(grpc.StatusCode.INVALID_ARGUMENT, stream))
        stream = self.stream().opened()
        stream.say(hello={})
        self.assertIn("said already", self.refused(grpc.StatusCode.INVALID_ARGUMENT, stream))
        stream = self.stream().opened()
        stream.say_bytes(b"\x0a" + b"\xff\xff\xff\x7f" + b"x" * (65 << 20))
        self.refused(grpc.StatusCode.RESOURCE_EXHAUSTED, stream)
        good.say_bytes(b"")              # an envelope of a version to come
        good.say_bytes(b"\xaa\x06\x00")  # and a message of one: 101
        good.assign(kind="none")
        self.assertIn('no handler of "none"', good.completion().error)

    def test_who_does_not_say_hello_does_not_stay(self):
        self.start()
        with mock.patch("heddle_worker.stream._HELLO_S", 0.05):
            self.assertIn('nobody said "hello"', self.refused(grpc.StatusCode.DEADLINE_EXCEEDED, self.stream(hello=None)))

    def test_of_a_host_that_reads_nothing_nothing_more_is_read(self):
        table = TaskTable(self.worker, 1)
        self.addCleanup(table.close)
        stream = WorkerStream(table)
        stream.hear(Envelope(hello=Version()))
        heard = []

        def hear():
            for i in range(300):  # each is answered at once: it has no activity_id
                stream.hear(Envelope(assign=TaskAssignment(activity_id="", run_id=str(i))))
                heard.append(i)
        reader = threading.Thread(target=hear, daemon=True)
        with mock.patch("heddle_worker.stream._MOST_QUEUED", 5):
            reader.start()
            most, answers = 0, []
            while len(answers) < 300:
                most = max(most, len(stream._queue))
                answer = stream.next_answer()
                answers += [answer.completion.run_id] if answer.HasField("completion") else []
            reader.join(TIMEOUT)
        self.assertEqual((answers, len(heard)), ([str(i) for i in range(300)], 300))
        self.assertLessEqual(most, 5)

    def test_more_streams_than_there_may_be_are_refused(self):
        self.start(limits=Limits(streams=2))
        self.stream().opened(), self.stream().opened()
        self.refused(grpc.StatusCode.RESOURCE_EXHAUSTED, self.stream())

    def test_tls_and_mutual_tls(self):
        for name in ("server", "client"):
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=here", "-addext",
                            "subjectAltName=IP:127.0.0.1", "-keyout", self.path(f"{name}.key"), "-out", self.path(f"{name}.pem")], check=True, stderr=subprocess.DEVNULL)

        def read(name):
            with open(self.path(name), "rb") as file:
                return file.read()
        self.start(tls={"certificate": self.path("server.pem"), "key": self.path("server.key"), "client_ca": self.path("client.pem")})
        known = grpc.ssl_channel_credentials(read("server.pem"), read("client.key"), read("client.pem"))
        self.assertEqual(Stream(self.dial(known)).opened().heard[0][0], "hello_ack")
        for credentials in (None, grpc.ssl_channel_credentials(read("server.pem"))):
            self.refused(grpc.StatusCode.UNAVAILABLE, Stream(self.dial(credentials)))
        for wrong in ({"certificate": self.path("none.pem"), "key": self.path("server.key")},):
            self.assertRaises(OSError, self.worker.start, "127.0.0.1:0", tls=wrong)

    def test_an_address_that_cannot_be_had_is_refused(self):
        self.start()
        with self.assertRaisesRegex(ValueError, "not a loopback address"):
            self.worker.start("0.0.0.0:0")
        self.worker.start("0.0.0.0:0", insecure=True).close()
        for wrong in ("7070", "here:", "1.2.3.4:99999", ":1"):
            self.assertRaises(ValueError, self.worker.start, wrong)
        self.assertRaises(OSError, self.worker.start, self.server.endpoint)  # taken
        self.assertRaises(ValueError, self.worker.start, "127.0.0.1:0", slots=0)


class Slots(WorkerCase):
    def test_200_tasks_over_4_slots(self):
        most, now, lock = [0], [0], threading.Lock()

        def count(task):
            with lock:
                now[0] += 1
                most[0] = max(most[0], now[0])
            try:
                return {"n": task.inputs["n"] * 2}
            finally:
                with lock:
                    now[0] -= 1
        self.add(count)
        self.start(slots=4)
        stream = self.stream().opened()
        in_hand, credit, sent, results = set(), 4, 0, {}
        while len(results) < 200 or stream.heard[-1][0] != "capacity":
            while credit and sent < 200:
                stream.assign(f"a{sent}", inputs={"n": sent})
                sent, credit = sent + 1, credit - 1
            what, message = stream.next()
            if what == "ack":
                in_hand.add(message.activity_id)
            elif what == "completion":
                self.assertEqual(message.status, "SUCCESS", message)
                self.assertNotIn(message.activity_id, results)
                in_hand.remove(message.activity_id)
                results[message.activity_id] = json.loads(message.result_inline)["n"]
            else:
                self.assertEqual((what, message.available_slots), ("capacity", 4 - len(in_hand)))
                credit = message.available_slots - (sent - len(in_hand) - len(results))  # what is on the way counts, too
        self.assertEqual(results, {f"a{n}": 2 * n for n in range(200)})
        self.assertLessEqual(most[0], 4)
        self.assertEqual(stream.heard[-1][1].available_slots, 4)

    def test_capacity_is_true_on_every_stream(self):
        self.add_waiting()
        self.start(slots=2)
        one, other = self.stream().opened(), self.stream().opened()
        one.assign("a")
        self.assertEqual(other.until("capacity").available_slots, 1)
        other.assign("b")
        self.assertEqual(one.until("capacity", lambda it: it.available_slots == 0).available_slots, 0)
        self.go_on.set()
        for stream, name in ((one, "a"), (other, "b")):
            self.assertEqual(stream.completion(name).status, "SUCCESS")
            stream.until("capacity", lambda it: it.available_slots == 2)

    def test_more_than_there_are_slots_is_refused_at_once(self):
        self.add_waiting()
        self.start(slots=1)
        stream = self.stream().opened()
        stream.assign("a")
        stream.assign("b")
        refused = stream.completion("b")
        self.assertEqual((refused.status, refused.error), ("ERROR", "no slot is free: all 1 are taken"))
        self.go_on.set()
        self.assertEqual(stream.completion("a").status, "SUCCESS")
        self.assertEqual(len(self.calls), 1)


class Progress(WorkerCase):
    def test_it_is_never_faster_than_20_a_second_and_the_last_one_counts(self):
        def busy(task):
            until = time.monotonic() + 0.5
            while time.monotonic() < until:
                task.progress(50, "half", checkpoint="s3://early")
            task.progress(170, "x" * 5000, checkpoint="s3://late")
        self.add(busy)
        self.start()
        stream = self.stream().opened()
        stream.assign()
        stream.completion()
        said = [message for what, message in stream.heard if what == "progress"]
        self.assertEqual(stream.heard[-2][0], "progress")
        self.assertEqual((said[-1].percent, len(said[-1].message), said[-1].checkpoint_ref), (100, 1000, "s3://late"))
        self.assertEqual((said[0].percent, said[0].message, said[0].checkpoint_ref), (50, "half", "s3://early"))
        self.assertTrue(3 <= len(said) <= 12, len(said))

    def test_a_checkpoint_stands_until_another_is_told(self):
        step = threading.Event()

        def work(task):
            task.progress(1, checkpoint="c1")
            step.wait(TIMEOUT)
            task.progress(2)
        self.add(work)
        self.start()
        stream = self.stream().opened()
        stream.assign()
        self.assertEqual(stream.until("progress").checkpoint_ref, "c1")
        step.set()
        self.assertEqual(stream.until("progress").checkpoint_ref, "c1")

    def test_a_silent_task_gives_signs_of_life(self):
        self.add_waiting()
        self.start()
        stream = self.stream().opened()
        stream.assign(heartbeat_interval_s=1)
        self.assertEqual([stream.until("progress").percent for _ in range(2)], [0, 0])
        self.go_on.set()
        self.assertEqual(stream.completion().status, "SUCCESS")


class Cancel(WorkerCase):
    def test_it_is_obeyed(self):
        def obey(task):
            self.begun.release()
            if not task.cancelled.wait(TIMEOUT):
                return "never"
            with self.assertRaisesRegex(Cancelled, "^because$"):
                task.check()
            return task.check()
        self.add(obey)
        self.start()
        stream = self.stream().opened()
        stream.assign()
        self.wait_begun()
        stream.cancel()
        ended = stream.completion()
        self.assertEqual((ended.status, ended.error, ended.result_inline), ("ERROR", "cancelled", b""))

    def test_who_ignores_it_goes_on_and_has_failed(self):
        self.add_waiting()
        self.start(slots=2)
        stream = self.stream().opened()
        stream.assign("a")
        stream.assign("b")
        self.wait_begun(2)
        stream.cancel("a")
        stream.cancel("nobody")
        self.assertTrue(next(task for task in self.calls if task.activity_id == "a").cancelled.wait(TIMEOUT))
        self.go_on.set()
        both = {one.activity_id: one for one in (stream.until("completion"), stream.until("completion"))}
        self.assertEqual((both["a"].status, both["a"].error, both["b"].status), ("ERROR", "cancelled", "SUCCESS"))

    def test_a_host_cancels_nothing_of_another_one(self):
        self.add_waiting()
        self.start(slots=2)
        one, other = self.stream().opened(), self.stream().opened()
        one.assign(run_id="of one")
        other.assign(run_id="of the other")
        self.wait_begun(2)
        one.cancel()
        self.assertTrue(next(task for task in self.calls if task.run_id == "of one").cancelled.wait(TIMEOUT))
        self.go_on.set()
        self.assertEqual(one.completion(run_id="of one").error, "cancelled")
        self.assertEqual(other.completion(run_id="of the other").status, "SUCCESS")


class Again(WorkerCase):
    def test_a_run_in_hand_goes_on_and_answers_on_the_newest_stream(self):
        self.add_waiting()
        self.start(slots=4)
        old, new = self.stream().opened(), self.stream().opened()
        old.assign()
        self.wait_begun()
        new.assign()
        new.until("ack")
        self.go_on.set()
        self.assertEqual(json.loads(new.completion().result_inline), {"run": "1"})
        self.assertEqual(len(self.calls), 1)
        old.end()
        self.assertNotIn("completion", [what for what, _ in old.rest()])

    def test_a_run_that_has_ended_says_the_same_again(self):
        calls = []
        self.add(lambda task: calls.append(task.run_id) or {"n": len(calls)})
        self.start(limits=Limits(kept=2))
        stream = self.stream().opened()
        said = []
        for _ in range(3):
            stream.assign("a", "1")
            said.append(stream.completion("a", "1"))
        self.assertEqual((said[0], calls), (said[2], ["1"]))
        stream.assign("a", "2")  # another run is another one
        self.assertEqual(json.loads(stream.completion("a", "2").result_inline), {"n": 2})
        stream.assign("b")
        stream.completion("b")
        stream.assign("a", "1")  # it is not kept any more
        self.assertEqual(json.loads(stream.completion("a", "1").result_inline), {"n": 4})

    def test_a_broken_stream_ends_no_task(self):
        self.add_waiting()
        self.start()
        stream = self.stream().opened()
        stream.assign()
        stream.until("ack")
        self.wait_begun()
        self.calls[0].progress(40, "so far", checkpoint="c")
        stream.until("progress", lambda it: it.percent == 40)
        stream.break_off()
        stream = self.stream().opened()
        self.assertEqual(stream.heard[-1][1].available_slots, 0)
        stream.assign()
        self.assertEqual([stream.until("ack").activity_id, stream.until("progress").checkpoint_ref], ["a", "c"])
        self.go_on.set()
        self.assertEqual(stream.completion().status, "SUCCESS")
        self.assertEqual(len(self.calls), 1)

    def test_what_ended_while_nobody_listened_is_said_when_asked(self):
        self.add_waiting()
        self.start()
        stream = self.stream().opened()
        watcher = self.stream().opened()
        stream.assign()
        self.wait_begun()
        stream.break_off()
        self.go_on.set()
        watcher.until("capacity", lambda it: it.available_slots == 1)
        watcher.assign()
        self.assertEqual(watcher.completion().status, "SUCCESS")
        self.assertEqual(len(self.calls), 1)

    def test_what_nobody_asks_for_again_is_cancelled(self):
        self.add_waiting()
        self.start(limits=Limits(reattach_s=0.1))
        stream = self.stream().opened()
        stream.assign()
        self.wait_begun()
        stream.break_off()
        self.assertTrue(self.calls[0].cancelled.wait(TIMEOUT))

    def test_garbage_breaks_the_stream_but_not_its_tasks(self):
        self.add_waiting()
        self.start()
        stream = self.stream().opened()
        stream.assign()
        self.wait_begun()
        stream.say_bytes(b"\xff")
        self.refused(grpc.StatusCode.INVALID_ARGUMENT, stream)
        stream = self.stream().opened()
        stream.assign()
        stream.until("ack")
        self.go_on.set()
        self.assertEqual(stream.completion().status, "SUCCESS")


class Drain(WorkerCase):
    def test_a_drained_stream_ends_what_is_in_hand_and_takes_nothing_new(self):
        self.add_waiting()
        self.start(slots=2)
        stream, other = self.stream().opened(), self.stream().opened()
        stream.assign("a")
        self.wait_begun()
        stream.drain()
        stream.assign("b")
        self.assertEqual(stream.completion("b").error, "this stream is drained, and takes nothing new")
        self.go_on.set()
        self.assertEqual(stream.completion("a").status, "SUCCESS")
        self.assertEqual(stream.until("capacity").available_slots, 0)
        other.assign("c")  # another host, or the next one
        self.assertEqual(other.completion("c").status, "SUCCESS")

    def test_a_host_that_says_no_more_still_hears_its_answers(self):
        self.add_waiting()
        self.start()
        stream = self.stream().opened()
        stream.assign(heartbeat_interval_s=1)
        stream.end()
        for _ in range(2):  # a sign of life, a second after it said no more: by now it was heard that it does
            stream.until("progress")
        self.go_on.set()
        self.assertEqual([what for what, _ in stream.rest() if what == "completion"], ["completion"])

    def test_a_server_that_drains_waits_and_then_says_so(self):
        self.add_waiting()
        self.start(slots=2)
        stream = self.stream().opened()
        stream.assign("a")
        self.wait_begun()
        drained = []
        draining = threading.Thread(target=lambda: drained.append(self.server.drain(TIMEOUT)))
        draining.start()
        stream.until("capacity", lambda it: it.available_slots == 0)
        stream.assign("b")
        self.assertIn("takes nothing new", stream.completion("b").error)
        self.go_on.set()
        stream.rest()
        draining.join(TIMEOUT)
        self.assertEqual(drained, [True])
        self.assertEqual([m.status for what, m in stream.heard if what == "completion"], ["ERROR", "SUCCESS"])

    def test_what_does_not_end_in_time_is_given_up(self):
        self.add_waiting()
        self.start()
        stream = self.stream().opened()
        stream.assign()
        self.wait_begun()
        self.assertFalse(self.server.drain(0.05))
        stream.rest()
        self.assertEqual([m.error for what, m in stream.heard if what == "completion"], ["the worker has ended"])
        self.assertTrue(self.calls[0].cancelled.is_set())

    def test_no_thread_is_left(self):
        self.add(lambda task: 1)
        before = set(threading.enumerate())
        self.start(slots=4)
        streams = [self.stream().opened() for _ in range(3)]
        for i, stream in enumerate(streams):
            stream.assign(str(i))
            stream.completion(str(i))
        self.server.close()
        for thread in set(threading.enumerate()) - before:
            if thread.name.startswith("heddle-worker"):
                thread.join(TIMEOUT)
                self.assertFalse(thread.is_alive(), thread)


if __name__ == "__main__":
    unittest.main()
