"""Every manifest of manifests/ is valid, passes its own tests, can be drawn, and does what its description says."""
import gzip
import json
import os
import unittest

from program import SOURCE, HeddleCase

FOLDER = os.path.join(SOURCE, "manifests")
EXAMPLES = sorted(name for name in os.listdir(FOLDER) if name.endswith(".json") and not name.endswith(".schema.json"))
SCHEMA = os.path.join(FOLDER, "heddle-1.schema.json")


def example(name):
    return os.path.join(FOLDER, name)


class Manifests(HeddleCase):
    def test_each_is_valid_and_passes_its_own_tests(self):
        self.assertGreater(len(EXAMPLES), 4)
        for name in EXAMPLES:
            with self.subTest(name=name):
                self.heddle("validate", example(name))
                self.heddle("graph", example(name), "-f", "svg")
                answer = self.heddle("test", example(name))
                with open(example(name), encoding="utf-8") as file:
                    manifest = json.load(file)
                if manifest["version"] == "heddle/1":
                    self.assertGreater(len(manifest["tests"]), 0, "an example brings its tests")
                    self.assertIn(f"{len(manifest['tests'])} of {len(manifest['tests'])} tests passed", answer.out)

    def test_hello(self):
        self.assertEqual(self.heddle("run", example("hello.json"), stdin=b'"you"\n').out, '{"input":"you","counter":1,"node":"Echo"}\n')

    def test_echo_v1(self):
        answer = self.heddle("run", example("echo-v1.json"), stdin=b"1\n2\n3\n4\n5\n")
        self.assertEqual([(i["input"], i["counter"]) for i in answer.items], [(n, n) for n in range(1, 6)])

    def test_filter_route_takes_its_param(self):
        items = b'{"score":0.3,"region":"eu"}\n{"score":0.9,"region":"us"}\n'
        self.assertEqual(len(self.heddle("run", example("filter-route.json"), stdin=items).items), 1)
        self.assertEqual(len(self.heddle("run", example("filter-route.json"), "--param", "min_score=0.2", stdin=items).items), 2)

    def test_fan_out_join(self):
        items = [{"id": n, "text": "x" * n} for n in range(100)]
        answer = self.heddle("run", example("fan-out-join.json"), stdin="".join(json.dumps(i) + "\n" for i in items).encode())
        self.assertEqual(sorted((a["id"], a["size"], b["loud"]) for a, b in answer.items), [(n, n, "X" * n) for n in range(100)])


if __name__ == "__main__":
    unittest.main()
