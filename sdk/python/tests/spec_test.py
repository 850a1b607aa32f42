"""Specs are read, and values judged, as the host does it: the cases are those of host/manifest/activity_spec_test.cc."""
import json
import sys
import unittest
from unittest import mock

from host_client import WorkerCase
from heddle_worker import DoesNotFit, SpecError, Worker, check_inputs, check_outputs, read_spec
from heddle_worker.activity_type import read_activity_type
from heddle_worker.version import VersionRange, best_of, parse_version

VIDEO = """name: video
version: 1.10
activities:
  - id: cut
    name: Cut a video
    worker: ffmpeg
    num_workers: 3
    quorum: 2
    skip_on_prev_success: true
    require_gpu: true
    input_params:
      - {name: source, type: string, description: where it is}
      - {name: at, type: "[]int"}
      - {name: frame, type: "(int width, int height)"}
      - {name: flags, type: "tuple(bool, []string)"}
    output_params:
      - {name: pieces, type: "[](string, int)"}
  - id: drop
"""


class Specs(WorkerCase):
    def read(self, text):
        with open(self.path("spec.yaml"), "w", encoding="utf-8") as file:
            file.write(text)
        return read_spec(self.path("spec.yaml"))

    def faults(self, text):
        with self.assertRaises(SpecError) as caught:
            self.read(text)
        return str(caught.exception)

    def test_a_list_of_activities(self):
        spec = self.read(VIDEO)
        self.assertEqual((spec.name, spec.version, len(spec.activities)), ("video", "1.10", 2))
        cut = spec.find("cut")
        self.assertEqual((cut.version, cut.worker, cut.workers, cut.quorum, cut.skip_on_prev_success, cut.require_gpu), ("1.10", "ffmpeg", 3, 2, True, True))
        self.assertEqual([str(one.type) for one in cut.inputs], ["string", "[]int", "(int width, int height)", "(bool, []string)"])
        self.assertEqual(cut.inputs[0].description, "where it is")
        self.assertEqual((spec.find("drop").inputs, spec.find("paste")), ((), None))

    def test_one_task(self):
        task = self.read("task_kind: video/cut\ntask_version: 2.0.1\ninputs:\n  - {name: n, type: int}\noutputs: []\n").find("video/cut")
        self.assertEqual((task.version, task.inputs[0].name), ("2.0.1", "n"))
        self.assertEqual(read_spec({"task_kind": "k", "task_version": 1.5}).version, "1.5")

    def test_what_is_wrong_is_said_at_its_place(self):
        self.assertIn('/activities/0/inputparams: an activity has no key "inputparams"; did you mean "input_params"?', self.faults("name: x\nversion: 1\nactivities:\n  - id: a\n    inputparams: []\n"))
        both = self.faults("name: x\nversion: 1\nactivities:\n  - id: a\n    input_params:\n      - {name: n, type: strin}\n      - {name: n, type: int}\n")
        self.assertIn('/activities/0/input_params/0/type: there is no type "strin"; did you mean "string"?', both)
        self.assertIn("/activities/0/input_params/1/name: there is another parameter", both)
        self.assertIn("/activities/0/quorum: a quorum of 3", self.faults("name: x\nversion: 1\nactivities:\n  - id: a\n    num_workers: 2\n    quorum: 3\n"))
        self.assertIn("/activities/1/id: there is another", self.faults("name: x\nversion: 1\nactivities:\n  - id: a\n  - id: a\n"))
        self.assertIn("there is no activity", self.faults("name: x\nactivities: []\n"))
        self.assertIn('needs "task_version"', self.faults("task_kind: a\nactivity: b\n"))
        self.assertIn("must be a map", self.faults("- a\n"))
        self.assertIn("there twice", self.faults("name: x\nname: y\n"))
        self.assertIn("line 2", self.faults("a: [\n"))
        self.assertIn("must be a string", self.faults("task_kind: a\ntask_version: 1\ninputs: [{name: 5, type: int}]\n"))
        self.assertIn("must be true or false", self.faults("name: x\nversion: 1\nactivities: [{id: a, require_gpu: yes}]\n"))
        for text in ("!!python/object/apply:os.system [x]", "[" * 5000, "a: 1\n---\nb: 2\n", "# " + "x" * (1 << 20), "a: &a [1]\nb: [" + "*a," * 2000 + "]"):
            self.faults(text)

    def test_without_yaml_it_is_said_what_is_missing(self):
        with mock.patch.dict(sys.modules, yaml=None), self.assertRaisesRegex(RuntimeError, "apt install python3-yaml"):
            self.read(VIDEO)

    def test_types(self):
        for text in ("string", "bool", "int", "[]string", "[][]int", "(int)", "( int a , []bool b )", "tuple(int, (bool, string))"):
            read_activity_type(text)
        for text in ("", "str", "int[]", "[]", "(", "()", "(int", "(int a, bool)", "(int a, bool a)", "int int", "(int,)", "String", "[]" * 100 + "int", "(" * 2000):
            with self.subTest(text[:20]), self.assertRaises(ValueError):
                read_activity_type(text)

    def test_values_that_fit(self):
        spec = self.read(VIDEO)
        check_inputs(spec.find("cut"), json.loads('{"source":"s3://a","at":[1,200000000000000000000000],"frame":{"width":1,"height":2},"flags":[true,["x"]]}'))
        check_outputs(spec.find("cut"), {"pieces": [["a", 1], ["b", 2]]})
        check_inputs(spec.find("drop"), {})

    def test_what_does_not_fit_is_said_together(self):
        cut = self.read(VIDEO).find("cut")
        with self.assertRaises(DoesNotFit) as caught:
            check_inputs(cut, {"sourc": "a secret", "at": [1, 2.5, True], "frame": {"width": 1, "hight": 2}, "flags": [True]})
        for part in ('activity "cut"', "/source: the input is missing", "/at/1: must be int, not the number 2.5", "/at/2: must be int, not the boolean true", "/frame/height: the part is missing",
                     '/frame/hight: there is no such part; did you mean "height"?', "/flags: must be (bool, []string), not a list of 1", '/sourc: there is no such input; did you mean "source"?'):
            self.assertIn(part, str(caught.exception))
        with self.assertRaisesRegex(DoesNotFit, "the outputs must be a map, not nothing"):
            check_outputs(cut, None)
        with self.assertRaises(DoesNotFit) as caught:
            check_outputs(cut, {"pieces": [1] * 1000})
        self.assertIn("and 1 more", str(caught.exception))
        self.assertLess(len(str(caught.exception)), 2000)
        with self.assertRaises(DoesNotFit) as caught:
            check_inputs(cut, {"source": 1, "at": {}, "frame": {}, "flags": "hunter2", "a/b~": 1})
        self.assertNotIn("hunter2", str(caught.exception))
        self.assertIn("/a~1b~0: there is no such input", str(caught.exception))

    def test_a_spec_that_says_nothing_of_the_kind_is_refused(self):
        with self.assertRaisesRegex(SpecError, 'says nothing of "paste", only of "cut", "drop"'):
            self.worker.handler("paste", spec=self.read(VIDEO))


class Versions(unittest.TestCase):
    def test_they_are_ordered_as_semver_says(self):
        keys = [parse_version(one) for one in "0.9 1.0.0-alpha 1.0.0-alpha.1 1.0.0-alpha.beta 1.0.0-beta.2 1.0.0-beta.11 1.0.0-rc.1 1.0.0 1.0.1 1.2 1.10".split()]
        self.assertEqual(keys, sorted(keys))
        self.assertEqual([parse_version(one) for one in ("", "latest", "1.x", "1.0.0.0", "1" * 300)], [None] * 5)

    def test_ranges(self):
        for text, inside, outside in (("1.2.3", ["1.2.3"], ["1.2.4"]), ("1.x", ["1.0", "1.9.9"], ["0.9", "2.0.0", "2.0.0-rc.1"]), ("*", ["0.0.1", "99"], []),
                                      ("^1.2", ["1.2.0", "1.9"], ["1.1.9", "2.0.0-a", "2.0"]), ("^0.2", ["0.2.9"], ["0.3.0"]), ("~1.2.3", ["1.2.9"], ["1.2.2", "1.3.0"]),
                                      (">=1.0 <3", ["1.0.0", "2.9"], ["3.0.0", "0.9", "3.0.0-rc"]), ("> 1.0.0, <= 1.5", ["1.0.1", "1.5.0"], ["1.0.0", "1.5.1"]), ("1.2.x", ["1.2.7"], ["1.3.0"])):
            for version in inside:
                self.assertIn(parse_version(version), VersionRange(text), (text, version))
            for version in outside:
                self.assertNotIn(parse_version(version), VersionRange(text), (text, version))
        for text in ("", "one", ">=2 <1", "1.0.0 - 2.0.0"):
            with self.assertRaises(ValueError):
                VersionRange(text)

    def test_the_best_is_taken(self):
        ranges = [VersionRange(text) for text in ("*", "1.x", "1.2.0", ">=1.2 <4", "1.2.x")]
        for version, best in (("1.2.0", "1.2.0"), ("1.2.1", "1.2.x"), ("1.1", "1.x"), ("3", ">=1.2 <4"), ("9", "*"), ("1.3", ">=1.2 <4")):
            self.assertEqual(best_of(ranges, parse_version(version)).text, best, version)
        self.assertIsNone(best_of(ranges[1:], parse_version("9")))

    def test_two_handlers_of_the_same_are_refused(self):
        worker = Worker()
        worker.handler("k", version="1.x")(print)
        with self.assertRaisesRegex(ValueError, "another handler"):
            worker.handler("k", version="^1.0.0")


if __name__ == "__main__":
    unittest.main()
