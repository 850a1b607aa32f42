"""The v1 family runs as it is: PassThrough → Echo → PassThrough, in every dialect."""
import json
import unittest

from program import HeddleCase, lines, pipeline, node

ITEMS = [{"name": "a", "n": 1}, {"name": "b", "n": 2.50}, "text", [1, 2, 3], None]
# Byte for byte: an unread value is written as it was read, whatever its white space and its numbers look like.
RAW = b'{"name": "a",  "n": 1}\n{"n": 2.50,"name":"b"}\n"te\\u0078t"\n[1, 2,3 ]\nnull\n'
ECHOED = (b'{"input":{"name": "a",  "n": 1},"counter":1,"node":"Echo"}\n'
          b'{"input":{"n": 2.50,"name":"b"},"counter":2,"node":"Echo"}\n'
          b'{"input":"te\\u0078t","counter":3,"node":"Echo"}\n'
          b'{"input":[1, 2,3 ],"counter":4,"node":"Echo"}\n'
          b'{"input":null,"counter":5,"node":"Echo"}\n')


def v1(types=("PassThrough", "Echo", "PassThrough"), version="v1"):
    ids = [f"n{i}" for i in range(len(types))]
    return {
        "version": version,
        "metadata": {"name": "echo", "description": "three nodes", "created_at": "2024-01-01T00:00:00Z", "team": {"a": [1]}},
        "nodes": [{"id": i, "node_type": t, "params": {}, "is_streaming": False} for i, t in zip(ids, types)],
        "connections": [{"from": a, "to": b} for a, b in zip(ids, ids[1:])],
    }


class V1Pipeline(HeddleCase):
    def assert_echoes(self, manifest):
        answer = self.heddle("run", self.write("m.json", manifest), "--input", "-", stdin=RAW)
        self.assertEqual(answer.out_bytes, ECHOED)

    def test_five_items_give_five_echo_objects_in_order_byte_for_byte(self):
        self.assert_echoes(v1())

    def test_every_edge_counts_the_five_items(self):
        report = self.run_manifest(v1(), ITEMS).report
        self.assertEqual([e["in"] for e in report["connections"]], [5, 5, 5, 5], "the way to the output is one, too")
        self.assertEqual((report["input_items"], report["output_items"], report["dead_letters"]), (5, 5, 0))

    def test_the_counter_begins_at_one_in_every_run(self):
        path = self.write("m.json", v1())
        for _ in range(2):
            self.assertEqual([i["counter"] for i in self.heddle("run", path, "--input", "-", stdin=b"1\n2\n").items], [1, 2])

    def test_other_version_strings_and_aliases(self):
        for version in ("1.0", "v1"):
            self.assert_echoes(v1(("PassThroughNode", "EchoNode", "PassthroughNode"), version))
        without = v1()
        del without["version"], without["metadata"]
        self.assert_echoes(without)

    def test_the_dialect_with_edges_and_config(self):
        self.assert_echoes({
            "version": "1.0.0", "name": "echo", "config": {},
            "nodes": [{"id": "a", "node_type": "PassThrough", "config": {}}, {"id": "b", "node_type": "Echo"}],
            "edges": [{"source": "a", "target": "b"}],
        })

    def test_camel_case_keys(self):
        self.assert_echoes({
            "version": "v1", "metadata": {"name": "echo"},
            "nodes": [{"id": "a", "nodeType": "PassThrough", "isStreaming": True}, {"id": "b", "nodeType": "Echo", "isOutputNode": True}],
            "connections": [{"from": "a", "to": "b"}],
        })

    def test_a_wrapper_brings_its_own_input(self):
        answer = self.heddle("run", self.write("m.json", {"manifest": v1(), "input_data": ITEMS}))
        self.assertEqual([i["counter"] for i in answer.items], [1, 2, 3, 4, 5])
        self.assertEqual([i["input"] for i in answer.items], ITEMS)

    def test_ten_nodes(self):
        answer = self.run_manifest(v1(("PassThrough",) * 4 + ("Echo",) + ("PassThrough",) * 5), [1, 2, 3])
        self.assertEqual(answer.out, "".join(f'{{"input":{i},"counter":{i},"node":"Echo"}}\n' for i in (1, 2, 3)))

    def test_calculator_in_both_forms(self):
        operation = v1(("Calculator",))
        operation["nodes"][0]["params"] = {"operation": "multiply", "operand": 3}
        self.assertEqual(self.run_manifest(operation, [2, 2.5, "two"]).items, [6, 7.5, "two"])
        self.assertEqual(self.run_manifest(v1(("Calculator",)), [{"operation": "add", "operands": [1, 2]}]).items,
                         [{"result": 3, "operation": "add", "operands": [1, 2]}])

    def test_import_gives_a_heddle_1_manifest_that_does_the_same(self):
        imported = self.heddle("import", self.write("old.json", v1())).out
        self.assertEqual(json.loads(imported)["version"], "heddle/1")
        self.assert_echoes(json.loads(imported))

    def test_import_reports_what_it_could_not_use(self):
        old = v1()
        old["nodes"][0]["docker"] = {"image": "x"}
        old["python_env"] = {"python": "3.11"}
        report = self.heddle("import", self.write("old.json", old), "--report").err
        self.assertIn("docker", report)
        self.assertIn("python_env", report)

    def test_multiply_and_add_keep_integers_and_refuse_the_rest(self):
        chain = pipeline(node("m", "Multiply", {"multiplier": 3}), node("a", "Add", {"addend": -1}))
        answer = self.run_manifest(chain, [1, 2.5, "x", 9007199254740993], code=3)
        self.assertEqual(answer.out, "2\n6.5\n27021597764222978\n")
        with open(answer.report["dead_letter_file"], encoding="utf-8") as file:
            self.assertIn('the text "x"', json.load(file)["message"])

    def test_a_hundred_thousand_items_lose_nothing(self):
        count = 100_000
        answer = self.run_manifest(v1(), stdin=lines(range(count)))
        self.assertEqual(answer.out_bytes.count(b"\n"), count)
        self.assertTrue(answer.out_bytes.endswith(b'{"input":%d,"counter":%d,"node":"Echo"}\n' % (count - 1, count)))


if __name__ == "__main__":
    unittest.main()
