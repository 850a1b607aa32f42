"""Plugins that break one rule each (tests/broken): named with the rule they broke, and nothing lost or hung."""
import json
import os
import unittest

from program import BUILD, DEAD_LETTERS, FAILED, INVALID, HeddleCase, node, pipeline

BROKEN = os.path.join(BUILD, "tests", "broken")
PATH = {"HEDDLE_PLUGIN_PATH": BROKEN}


class Listing(HeddleCase):
    """Finding plugins runs none of their code: not that of a constructor that aborts either."""

    def test_inspect_lists_the_sound_and_names_every_refused_one_with_its_rule(self):
        answer = self.heddle("inspect", env=PATH)
        said = answer.out + answer.err
        self.assertIn("broken_sound", said)
        self.assertIn("BrokenAbort", said)
        for file in ("no_note", "text_file", "other_major", "minor_too_new", "params_no_object"):
            self.assertRegex(said, rf"{file}\.so")

    def test_a_refused_file_says_why(self):
        for file, why in (("no_note", "without a heddle note"), ("text_file", "ELF"), ("params_no_object", "params")):
            answer = self.heddle("inspect", f"{BROKEN}/{file}.so", code=None)
            self.assertNotEqual(answer.code, 0, answer)
            self.assertIn(f"{file}.so", answer.err)
            self.assertIn(why, answer.err)

    def test_a_file_for_another_abi_is_refused_by_name(self):
        for file, why in (("other_major", "ABI major 2, this host has major 1"), ("minor_too_new", "needs ABI minor 4000, this host has minor 0")):
            answer = self.heddle("inspect", f"{BROKEN}/{file}.so", code=FAILED)
            self.assertRegex(answer.err, rf"{file}\.so: .*{why}")

    def test_a_refusal_for_the_abi_names_both_numbers(self):
        listing = self.heddle("inspect", env=PATH)
        said = (listing.out + listing.err).splitlines()
        self.assertTrue(any("other_major.so" in line and "2" in line and "1" in line for line in said), listing)
        self.assertTrue(any("minor_too_new.so" in line and "4000" in line and "0" in line for line in said), listing)

    def test_validate_and_plan_run_no_plugin_code(self):
        path = self.write("m.json", pipeline(node("a", "BrokenAbort")))
        self.heddle("validate", path, env=PATH)
        self.heddle("plan", path, env=PATH)
        self.heddle("graph", path, env=PATH)
        self.heddle("schema", env=PATH)


class Loading(HeddleCase):
    def refused(self, node_type, *expected, code=FAILED):
        answer = self.heddle("run", self.write("m.json", pipeline(node("a", "PassThrough"), node("b", node_type))), "--input", "-", stdin=b"1\n", env=PATH, code=code)
        self.assertEqual(answer.out, "")
        for text in expected:
            self.assertRegex(answer.err, text)

    def test_note_and_code_that_differ(self):
        self.refused("BrokenLiar", "broken_note_lies", "(?i)note")
        self.refused("BrokenAbsent", "broken_note_without_type", "(?i)note")
        self.refused("BrokenNull", "broken_type_table_null")

    def test_no_entry_symbol(self):
        self.refused("BrokenNoEntry", "broken_no_entry", "heddle_entry_v1")

    def test_init_that_fails(self):
        self.refused("BrokenInit", "broken_init_fails")

    def test_process_wide_state_that_changed(self):
        self.refused("BrokenUmask", "broken_changes_umask", "umask")
        self.refused("BrokenEverything", "broken_changes_everything", "(?i)signal|locale|umask|folder|floating")

    def test_create_and_activate_that_fail_name_the_node(self):
        self.refused("BrokenCreate", r"\bb\b", "nothing pleases this node", code=INVALID)
        self.refused("BrokenActivate", r"\bb\b")

    def test_an_exception_that_leaves_a_c_function_ends_the_process_and_names_itself(self):
        answer = self.heddle("run", self.write("m.json", pipeline(node("b", "BrokenThrow"))), "--input", "-", stdin=b"1\n", env=PATH, code=-6)
        self.assertIn('heddle: node "b" (BrokenThrow of plugin broken_throws_in_create) threw an exception (thrown over the ABI) in create: '
                      "a plugin must not throw over the ABI\n", answer.err)

    def test_something_that_is_no_exception_is_named_too(self):
        answer = self.heddle("run", self.write("m.json", pipeline(node("b", "BrokenThrowInt"))), stdin=b"1\n", env=PATH, code=-6)
        self.assertIn("threw something that is no std::exception in create: a plugin must not throw over the ABI\n", answer.err)

    def test_a_plugin_that_calls_abort_is_named(self):
        for node_type, said in (("BrokenAbort", r'plugin "broken_aborts_in_constructor" \(.*aborts_in_constructor\.so\) called abort in loading'),
                                ("BrokenAbortRun", r'node "b" \(BrokenAbortRun of plugin broken_aborts_in_process\) called abort in process')):
            manifest = self.write("m.json", pipeline(node("a", "PassThrough"), node("b", node_type)))
            answer = self.heddle("run", manifest, "--input", "-", stdin=b"1\n", env=PATH, code=-6)
            self.assertRegex(answer.err, "(?m)^heddle: " + said)
            self.assertEqual(answer.err.count("called abort"), 1, answer)


class Running(HeddleCase):
    def trouble(self, node_type, fault, items=(1, 2, 3), code=None, **more):
        """A run with the broken node between two good ones: ends by itself, balances, and names the fault."""
        manifest = pipeline(node("a", "PassThrough"), node("b", node_type, **more), node("c", "PassThrough"))
        answer = self.run_manifest(manifest, items, "--dead-letters", self.path("dead"), env=PATH, code=code)
        if fault:
            self.assertTrue(any(fault in f and "broken_" in f for f in answer.report["faults"]), answer)
        return answer

    def letters(self):
        return [json.loads(line) for line in self.read("dead").splitlines()]

    def test_completing_twice_is_a_fault_and_loses_nothing(self):
        answer = self.trouble("BrokenTwice", "twice")
        self.assertEqual(answer.items, [1, 2, 3])

    def test_completing_never_is_a_fault_and_fails_the_item(self):
        answer = self.trouble("BrokenNever", "complete", code=DEAD_LETTERS)
        self.assertEqual((answer.items, [d["item"] for d in self.letters()]), ([], [1, 2, 3]))

    def test_completing_late_is_a_timeout_and_then_a_fault(self):
        answer = self.trouble("BrokenLate", None, code=DEAD_LETTERS)
        self.assertEqual([d["code"] for d in self.letters()], ["timeout"] * 3)
        self.assertEqual(next(n for n in answer.report["nodes"] if n["node"] == "b")["timed_out"], 3)

    def test_emitting_on_a_port_that_is_not_there(self):
        answer = self.trouble("BrokenPort", "port", code=DEAD_LETTERS)
        self.assertEqual(answer.items, [])
        self.assertEqual([d["code"] for d in self.letters()], ["broken-contract"] * 3)
        self.assertIn("output port", self.letters()[0]["message"])

    def test_a_node_that_hangs_costs_its_items_a_timeout(self):
        answer = self.trouble("BrokenHang", None, items=(1, 2), code=DEAD_LETTERS, timeout_ms=200)
        self.assertEqual([d["code"] for d in self.letters()], ["timeout"] * 2)
        self.assertEqual(answer.items, [])

    def test_a_hanging_node_hangs_nothing_else(self):
        manifest = pipeline(node("a", "PassThrough"), node("h", "BrokenHang", timeout_ms=200), node("e", "Echo"), connections=[("a", "h"), ("a", "e")])
        answer = self.run_manifest(manifest, [1, 2, 3], "--threads", "1", env=PATH, code=DEAD_LETTERS)
        echoed = [i["value"]["counter"] for i in answer.items if i["node"] == "e"]
        self.assertEqual(echoed, [1, 2, 3])

    def test_the_sound_one_is_sound(self):
        described = json.loads(self.heddle("inspect", f"{BROKEN}/sound.so", "--json").out)
        self.assertIn("broken_sound", json.dumps(described))


if __name__ == "__main__":
    unittest.main()
