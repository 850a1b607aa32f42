"""Every manifest of manifests/ is valid, passes its own tests, can be drawn, and does what its description says."""
import gzip
import json
import os
import unittest

from program import SOURCE, HeddleCase

FOLDER = os.path.join(SOURCE, "manifests")
EXAMPLES = sorted(name for name in os.listdir(FOLDER) if name.endswith(".json") and not name.endswith(".schema.json"))
# A manifest that reads and writes files is pointed elsewhere for its tests.
PARAMS = {"packages.json": ("--param", "status=/dev/null", "--param", "folder=.")}


def example(name):
    return os.path.join(FOLDER, name)


class Manifests(HeddleCase):
    def test_each_is_valid_and_passes_its_own_tests(self):
        self.assertGreater(len(EXAMPLES), 4)
        for name in EXAMPLES:
            with self.subTest(name=name):
                self.heddle("validate", example(name))
                self.heddle("graph", example(name), "-f", "svg")
                answer = self.heddle("test", example(name), *PARAMS.get(name, ()))
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

    def test_packages_counts_what_dpkg_knows(self):
        answer = self.heddle("run", example("packages.json"), "--param", f"folder={self.folder}", "--json")
        self.assert_balanced(answer.report)
        with open("/var/lib/dpkg/status", encoding="utf-8") as file:
            fields = [line.rstrip("\n") for line in file]
        sections = {}
        for line in fields:
            if line.startswith("Section: "):
                name = line.removeprefix("Section: ").split("/")[-1]
                sections[name] = sections.get(name, 0) + 1
        sizes = [int(line.removeprefix("Installed-Size: ")) for line in fields if line.startswith("Installed-Size: ")]
        self.assertEqual({i["section"]: i["packages"] for i in answer.items if "section" in i}, sections)
        self.assertEqual([i for i in answer.items if "megabytes" in i], [{"packages": len(sizes), "megabytes": sum(sizes) // 1024}])
        csv = self.read("packages-by-section.csv").decode().splitlines()
        self.assertEqual(csv[0], "section,packages")
        self.assertEqual(dict(line.rsplit(",", 1) for line in csv[1:]), {name: str(count) for name, count in sections.items()})

    def test_packages_of_a_machine_packed_with_gzip(self):
        with gzip.open(self.path("status.gz"), "wt") as file:
            file.write("Package: a\nSection: libs\nInstalled-Size: 2048\n\nPackage: b\nSection: libs\nInstalled-Size: 1024\n")
        answer = self.heddle("run", example("packages.json"), "--param", f"status={self.path('status.gz')}", "--param", f"folder={self.folder}")
        self.assertEqual(sorted(answer.items, key=str), [{"packages": 2, "megabytes": 3}, {"section": "libs", "packages": 2}])


if __name__ == "__main__":
    unittest.main()
