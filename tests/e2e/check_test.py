"""`heddle check`: every plugin that breaks one rule fails by the check that is meant for it and by no other, and every plugin of ours passes."""
import glob
import json
import os
import re
import shlex
import signal
import unittest
from concurrent.futures import ThreadPoolExecutor

from program import BUILD, FAILED, INTERRUPTED, IO, SANITIZED, TERMINATED, USAGE, HeddleCase

BROKEN = os.path.join(BUILD, "tests", "broken")
PLUGINS = os.path.join(BUILD, "plugins")

# Each plugin of tests/broken → the check that it fails, and a word of what is found. None: it breaks nothing.
MEANT = {
    "aborts_in_constructor": ("loads", "SIGABRT"), "aborts_in_process": ("completes-once", "SIGABRT"), "activate_fails": ("activates", "the model cannot be loaded"),
    "activate_hangs": ("activates", "did not come to an end"), "activate_never_answers": ("activates", "did not come to an end"),
    "breaks_inbox": ("listens-and-closes", "listener"), "changes_everything": ("process-state", "signal mask"), "changes_umask": ("process-state", "umask"),
    "changes_umask_in_process": ("process-state-in-calls", "umask"), "completes_late": ("completes-once", "50 ms"), "completes_twice": ("completes-once", "twice"),
    "crashes_on_params": ("fuzzed-params", "SIGABRT"), "create_fails": ("creates", "nothing pleases"), "deactivate_never_answers": ("activates", "did not come to an end"),
    "drops_cancelled": ("cancel-in-flight", "not completed"), "emits_on_no_port": ("emits-on-its-ports", "port 7"), "exports_more": ("one-symbol", "answer"),
    "foreign_symbols": ("foreign-symbols", "heddle_say"), "forgets_again": ("again-then-resume", "not completed"),
    "forgets_call": ("calls-are-answered", "a call was not answered"), "keeps_worker": ("workers-are-left", "disconnect was not answered"), "goes_too_deep": ("deep-values", "SIGABRT"),
    "hangs": ("completes-once", "did not come to an end"), "hangs_after_late_start": ("completes-once", "did not come to an end"), "init_fails": ("loads", "licence server"),
    "leaks_items": ("memory-growth", "KiB"), "leaks_objects": ("create-destroy-1000", "bytes"), "leaves_thread": ("thread-tags", "thread"),
    "looks_elsewhere": ("needed-libraries", "/opt/of/the/builder"), "minor_too_new": ("wrong-version-refused", "4000"), "minor_too_new_in_code": ("note-equals-code", "4000"),
    "never_completes": ("completes-once", "not completed when process returned"), "no_entry": ("entry", "heddle_entry_v1"), "no_note": ("note", "without a heddle note"),
    "note_lies": ("note-equals-code", "BrokenLiar"), "note_without_type": ("note-equals-code", "BrokenAbsent"), "only_one": ("two-instances", "second object"),
    "other_major": ("wrong-version-refused", "major 2"), "other_major_symbol": ("wrong-version-refused", "heddle_entry_v2"), "params_no_object": ("note", "params"),
    "shares_state": ("parallel-calls", "SIGABRT"), "small_buffer": ("huge-values", "SIGABRT"), "sound": None, "starts_late": None, "starts_thread": ("no-thread-at-load", "1 thread"),
    "store_answers_wrongly": ("store-answers-once", "twice"), "store_hangs": ("activates", "activate"), "store_never_opens": ("activates", "activate"), "sulks": ("after-error", "not what it was"),
    "takes_any_params": ("bad-params", "in silence"), "text_file": ("note", "ELF"), "throws_an_int": ("creates", "no std::exception"), "throws_in_create": ("creates", "thrown over the ABI"),
    "type_table_null": ("note-equals-code", "type 0 of 1"), "type_without_note": ("note-equals-code", "BrokenUnnoted"), "wrong_symbol": ("entry", "heddle_entry_v1"),
}

# Under a sanitizer, memory that was freed is kept, and tells nothing.
if SANITIZED:
    MEANT.update(leaks_items=None, leaks_objects=None)
LIMIT_MS = "20000" if SANITIZED else "3000"

# A process in which ThreadSanitizer finds a race ends at once, and not after it has said that all is well.
RACE_ENDS = {"TSAN_OPTIONS": os.environ.get("TSAN_OPTIONS", "") + " halt_on_error=1"}

# Params that types of ours can start with, where none can be made up.
PARAMS = {"Filter": {"when": "true"}, "Jq": {"program": "."}, "Route": {"cases": [{"port": "a", "when": "true"}]}}


class Check(HeddleCase):
    def check(self, path, *arguments, code=None, env=None):
        answer = self.heddle("check", path, "--json", *arguments, code=code, env=env)
        said = json.loads(answer.out)
        self.assertEqual(answer.code, FAILED if said["failed"] else 0, answer)
        self.assertEqual(said["ok"], said["failed"] == 0)
        return said

    @staticmethod
    def of(said, result):
        return [c for c in said["checks"] if c["result"] == result]

    def sound_copy(self, change):
        with open(f"{BROKEN}/sound.so", "rb") as file:
            return self.write("changed.so", change(file.read()))


class Broken(Check):
    def test_every_broken_plugin_is_in_the_table(self):
        self.assertEqual(sorted(os.path.basename(p)[:-3] for p in glob.glob(f"{BROKEN}/*.so")), sorted(MEANT))

    def test_each_fails_by_the_check_that_is_meant_for_it_and_by_no_other(self):
        with ThreadPoolExecutor(2) as two:
            answers = dict(zip(MEANT, two.map(lambda name: self.check(f"{BROKEN}/{name}.so", "--timeout-ms", LIMIT_MS), MEANT)))
        for name, meant in MEANT.items():
            with self.subTest(name):
                failures = self.of(answers[name], "fail")
                self.assertEqual([c["check"] for c in failures], [meant[0]] if meant else [], failures)
                for failure in failures:
                    self.assertIn(meant[1], failure["found"])
                    self.assertTrue(failure["remedy"], failure)

    def test_each_check_of_nodes_and_of_files_has_a_plugin_that_fails_it(self):
        every = {c["check"] for c in json.loads(self.heddle("check", "--list", "--json").out)}
        tested_here = {"needed-glibc"} | ({"memory-growth", "create-destroy-1000"} if SANITIZED else set())
        self.assertEqual(every - tested_here, {meant[0] for meant in MEANT.values() if meant})

    def test_a_newer_c_library_than_there_is_is_named(self):
        path = self.sound_copy(lambda elf: elf.replace(b"GLIBC_2.2.5\0", b"GLIBC_9.2.5\0"))
        with open(path, "rb") as file:
            if b"GLIBC_9.2.5\0" not in file.read():
                self.skipTest("on this machine no version of glibc has that name")
        failures = self.of(self.check(path), "fail")
        self.assertEqual([c["check"] for c in failures], ["needed-glibc"], failures)
        self.assertIn("glibc 9.2.5", failures[0]["found"])


class Ours(Check):
    def test_every_plugin_of_ours_passes(self):
        paths = sorted(glob.glob(f"{PLUGINS}/*.so"))
        self.assertTrue(paths)
        read = {"ReadJsonLines": {"path": self.write("items.jsonl", "1\n" * 5000)}, "ReadText": {"path": self.write("items.txt", "a\n" * 5000)}, "ReadCsv": {"path": self.write("items.csv", "a\n" + "1\n" * 5000)}}
        given = [word for t, params in {**PARAMS, **read}.items() for word in ("--params", f"{t}={json.dumps(params)}")]
        if SANITIZED:  # minutes each, and of memory they say nothing here
            names = [c["check"] for c in json.loads(self.heddle("check", "--list", "--json").out)]
            given += [word for name in names if name not in ("create-destroy-1000", "memory-growth") for word in ("--only", name)]
        for path in paths:
            with self.subTest(os.path.basename(path)):
                said = self.check(path, *given, "--timeout-ms", "60000")
                self.assertEqual(self.of(said, "fail"), [])

    def test_with_params_what_cannot_be_made_up_is_tried(self):
        said = self.check(f"{PLUGINS}/node_jq.so", "--type", "Jq", "--only", "completes-once")
        self.assertEqual([c["result"] for c in said["checks"]], ["not-applicable"])
        self.assertIn("--params Jq=", said["checks"][0]["remedy"])
        said = self.check(f"{PLUGINS}/node_jq.so", "--type", "Jq", "--only", "completes-once", "--params", 'Jq={"program":"."}')
        self.assertEqual([c["result"] for c in said["checks"]], ["pass"])
        said = self.check(f"{PLUGINS}/node_jq.so", "--type", "Jq", "--only", "creates", "--params", 'Jq={"program":"nonsense("}')
        self.assertEqual([c["result"] for c in said["checks"]], ["fail"], "params that were given are the author's word")


class Few(Check):
    """Some checks of a plugin: what fits where ThreadSanitizer makes every process dear."""

    def test_a_plugin_of_ours(self):
        for of_type, names in (("Delay", ("loads", "two-instances", "activates", "completes-once", "cancel-in-flight", "thread-tags")), ("PassThrough", ("completes-once", "parallel-calls"))):
            only = [word for name in names for word in ("--only", name)]
            said = self.check(f"{PLUGINS}/node_std.so", "--type", of_type, *only, "--timeout-ms", "120000", env=RACE_ENDS)
            self.assertEqual([(c["check"], c["result"], c["found"]) for c in said["checks"] if c["result"] != "pass"], [])
            self.assertEqual({c["check"] for c in said["checks"]}, set(names))


class Host(Check):
    def test_this_host_keeps_its_promises(self):
        said = self.check("--host", "--timeout-ms", "120000" if SANITIZED else "30000", env=RACE_ENDS)
        self.assertEqual(self.of(said, "fail"), [])
        every = [c["check"] for c in json.loads(self.heddle("check", "--host", "--list", "--json").out)]
        self.assertEqual([c["check"] for c in self.of(said, "pass")], every)
        self.assertGreater(len(every), 30)

    def test_a_promise_that_is_not_kept_is_a_failure(self):
        # What the host does not say of a plugin that has done nothing is what it would not say if it had seen nothing.
        with open(f"{BUILD}/check/hostile.so", "rb") as file:
            tame = self.write("hostile.so", file.read().replace(b"completes-twice\0", b"completes-oncee\0"))
        said = self.check("--host", tame, "--only", "completes-twice", "--only", "takes-twice")
        self.assertEqual([(c["check"], c["result"]) for c in said["checks"]], [("completes-twice", "fail"), ("takes-twice", "pass")])
        failure = said["checks"][0]
        self.assertIn("it was not said that the plugin broke the rule: completed a call twice", failure["found"])
        self.assertIn("fault of heddle", failure["remedy"])
        again = self.heddle(*shlex.split(failure["reproduce"])[1:], code=FAILED)
        self.assertIn("completes-twice: it was not said", again.out)

    def test_another_plugin_is_not_the_hostile_one(self):
        said = self.check("--host", f"{BROKEN}/sound.so", "--only", "takes-twice")
        self.assertIn("\"Bystander\"", self.of(said, "fail")[0]["found"])

    def test_one_check_runs_here(self):
        self.assertIn("1 passed, 0 failed", self.heddle("check", "--host", "--reproduce", "completes-twice").out)

    def test_nobody_else_gets_hold_of_the_hostile_plugin(self):
        self.assertNotIn("ostile", self.heddle("inspect", "--json").out)

    def test_each_promise_is_a_sentence(self):
        for line in self.heddle("check", "--host", "--list").out.splitlines():
            self.assertRegex(line, r"^[a-z0-9-]+ +[A-Z].*\.$")

    def test_the_command_line(self):
        for arguments, said in ((("--only", "completes-twise"), "no check \"completes-twise\" of the host; did you mean completes-twice"), (("--only", "creates"), "of the host"),
                                (("--type", "Hostile"), "--type"), (("--seed", "7"), "--seed")):
            self.assertIn(said, self.heddle("check", "--host", *arguments, code=USAGE).err)
        self.assertIn("absent.so: there is no such file", self.heddle("check", "--host", "absent.so", code=IO).err)


class Said(Check):
    def test_each_check_is_a_line_and_a_failure_says_what_to_do_and_how_to_repeat_it(self):
        answer = self.heddle("check", f"{BROKEN}/completes_twice.so", code=FAILED)
        names = [c["check"] for c in json.loads(self.heddle("check", "--list", "--json").out)]
        shown = re.findall(r"^  ([a-z0-9-]+) ", answer.out, re.MULTILINE)
        self.assertEqual(shown, [n for n in names if n in shown])
        self.assertIn("completes-once          FAILED", answer.out)
        self.assertIn("BrokenTwice: it completed a call twice", answer.out)
        self.assertRegex(answer.out, r"what to do: .*once")
        self.assertRegex(answer.out, r"\d+ passed, 1 failed, \d+ not applicable\n$")

    def test_quiet_says_the_failures_alone(self):
        answer = self.heddle("check", f"{BROKEN}/exports_more.so", "-q", code=FAILED)
        self.assertIn("one-symbol", answer.out)
        self.assertNotIn("needed-libraries", answer.out)

    def test_the_list_has_a_sentence_for_each(self):
        for line in self.heddle("check", "--list").out.splitlines():
            self.assertRegex(line, r"^[a-z0-9-]+ +(\([a-z ]+\) )?[A-Z0-9].*\.$")

    def test_only_runs_what_is_named_behind_what_it_needs(self):
        said = self.check(f"{BROKEN}/sound.so", "--only", "two-instances", "--only", "note")
        self.assertEqual([(c["check"], c["result"]) for c in said["checks"]], [("note", "pass"), ("two-instances", "pass")])
        said = self.check(f"{BROKEN}/create_fails.so", "--only", "two-instances")
        self.assertEqual([(c["result"], c["found"]) for c in said["checks"]], [("not-applicable", "not tried, for creates failed")])

    def test_the_command_line(self):
        for arguments, said in ((("check",), "PLUGIN is required"), (("check", "x.so", "--only", "deep-value"), "did you mean deep-values"), (("check", "x.so", "--params", "{}"), "TYPE=JSON"),
                                (("check", f"{BROKEN}/sound.so", "--type", "Absent", "--only", "creates"), "Absent"), (("check", f"{BROKEN}/sound.so", "--reproduce", "creates"), "--type")):
            self.assertIn(said, self.heddle(*arguments, code=USAGE).err)
        self.assertIn("there is no such file", self.heddle("check", "absent.so", code=IO).err)

    def test_it_leaves_nothing_behind(self):
        os.mkdir(self.path("tmp"))
        self.heddle("check", f"{PLUGINS}/node_file.so", "--only", "completes-once", env={"TMPDIR": self.path("tmp")})
        self.assertEqual(os.listdir(self.path("tmp")), [])
        self.assertEqual(sorted(os.listdir(self.folder)), ["tmp"])


    def test_whoever_stops_it_finds_nothing_left(self):
        for number, code in ((signal.SIGINT, INTERRUPTED), (signal.SIGTERM, TERMINATED)):
            tmp = self.path(f"tmp-{code}")
            os.mkdir(tmp)
            process = self.start("check", f"{BROKEN}/hangs.so", "--only", "completes-once", "--timeout-ms", "600000", env={"TMPDIR": tmp})
            while not glob.glob(f"{tmp}/heddle-check-*/words-*"):  # a check has begun
                self.assertIsNone(process.poll())
            process.send_signal(number)
            answer = self.finish(process)
            self.assertEqual((answer.code, answer.out), (code, ""))
            self.assertEqual(os.listdir(tmp), [])


class Again(Check):
    def test_a_failure_is_repeated_by_the_command_it_prints(self):
        failure, = self.of(self.check(f"{BROKEN}/crashes_on_params.so", "--seed", "7"), "fail")
        again = shlex.split(failure["reproduce"])
        self.assertEqual(again[again.index("--seed") + 1], "7")
        answer = self.heddle(*again[1:], code=-6)  # in one process: the crash is the debugger's
        params = re.search(r"in: create with params (\{.*)", failure["found"]).group(1)[:60]
        self.assertIn(params, answer.err)

    def test_what_is_no_crash_is_repeated_as_a_line(self):
        answer = self.heddle("check", f"{BROKEN}/completes_twice.so", "--reproduce", "completes-once", "--type", "BrokenTwice", code=FAILED)
        self.assertIn("it completed a call twice", answer.out)
        self.assertIn("1 passed", self.heddle("check", f"{BROKEN}/sound.so", "--reproduce", "loads").out)

    def test_the_same_seed_makes_up_the_same_params(self):
        def counts(seed):
            return self.check(f"{PLUGINS}/node_std.so", "--only", "fuzzed-params", "--type", "Aggregate", "--seed", str(seed))["checks"][0]["found"]
        self.assertEqual(counts(3), counts(3))
        self.assertNotEqual({counts(seed) for seed in (3, 4, 5)}, {counts(3)})


if __name__ == "__main__":
    unittest.main()
