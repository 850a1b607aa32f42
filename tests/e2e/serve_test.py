"""`heddle serve`: a host with a configuration file, from its ready line to its last signal."""
import json
import os
import re
import signal
import socket
import threading
import unittest
import urllib.error

from host import Host
from program import BUILD, INVALID, IO, TIMEOUT, USAGE, HeddleCase, node, pipeline

TOKEN = "a-token-for-everything"
TRIPLE = pipeline(node("m", "Multiply", {"multiplier": 3}))
SLOW = pipeline(node("told", "Log", {"message": "it is in there"}), node("d", "Delay", {"delay_ms": 700}))


class ServeTest(HeddleCase):
    def setUp(self):
        super().setUp()
        os.mkdir(self.path("pipelines"))

    def config(self, **more):
        settings = {"listen": [{"endpoint": "127.0.0.1:0"}], "pipelines": "pipelines", **more}
        return self.write("heddle.json", {k: v for k, v in settings.items() if v is not None})

    def serve(self, *arguments, env=None, **more):
        process = self.start("serve", "--config", self.config(**more), *arguments, env=env)
        return Host(self, process)

    def refused(self, code=INVALID, env=None, **more):
        return self.heddle("serve", "--config", self.config(**more), code=code, env=env).err

    def test_serves_the_pipelines_of_a_folder(self):
        self.write("pipelines/triple.json", TRIPLE)
        host = self.serve()
        self.assertEqual(host.ask("GET", "/health")[0], 200)
        self.assertEqual(host.execute("triple", 14), [42])
        status, job = host.ask("POST", "/v1/jobs", {"type": "pipeline/triple", "payload": 5})
        self.assertIn(status, (200, 202), job)
        status, job = host.ask("GET", f"/v1/jobs/{job['id']}/wait?timeout_ms=30000")
        self.assertEqual((job["state"], job["result"]), ("done", {"outputs": [15]}), job)
        status, info = host.ask("GET", "/v1/host")
        self.assertEqual(info["listeners"], [{"transport": "http", "endpoint": host.address}])
        self.assertEqual(host.end(), 0, host.text)

    def test_one_worker_is_enough(self):
        self.write("pipelines/triple.json", pipeline(node("late", "StartsLate"), node("m", "Multiply", {"multiplier": 3})))
        self.write("pipelines/slow.json", pipeline(node("d", "Delay", {"delay_ms": 100000})))
        host = self.serve("--plugin-dir", os.path.join(BUILD, "tests", "broken"), threads=1, drain_ms=100)
        self.assertEqual(host.ask("GET", "/v1/host")[1]["threads"], 1)
        for _ in range(3):
            host.ask("POST", "/v1/jobs", {"type": "pipeline/slow", "payload": 1})
        answers = []
        asking = [threading.Thread(target=lambda n=n: answers.append(host.execute("triple", n))) for n in range(8)]
        for thread in asking:
            thread.start()
        status, job = host.ask("POST", "/v1/jobs", {"type": "pipeline/triple", "payload": 14})
        status, job = host.ask("GET", f"/v1/jobs/{job['id']}/wait?timeout_ms=30000")
        self.assertEqual(job.get("result"), {"outputs": [42]}, job)
        for thread in asking:
            thread.join(TIMEOUT)
        self.assertEqual(sorted(answers), [[3 * n] for n in range(8)])
        self.assertEqual(host.ask("POST", "/v1/reload")[0], 200)
        self.assertEqual(host.end(), 0, host.text)

    def test_is_ready_in_json_for_programs(self):
        process = self.start("serve", "--config", self.config(), "--json")
        ready = json.loads(process.stdout.readline())
        self.assertTrue(ready["ready"])
        self.assertRegex(ready["listeners"][0]["endpoint"], r"^127\.0\.0\.1:\d+$")
        process.terminate()
        self.assertEqual(process.wait(TIMEOUT), 0)

    def test_a_hangup_reloads_by_diff(self):
        self.write("pipelines/one.json", TRIPLE)
        self.write("pipelines/two.json", TRIPLE)
        host = self.serve(lanes={"heavy": {"max_concurrency": 2}})
        self.write("pipelines/two.json", pipeline(node("m", "Multiply", {"multiplier": 4})))
        self.write("pipelines/three.json", TRIPLE)
        self.config(lanes={"heavy": {"max_concurrency": 3}, "light": {}}, drain_ms=100)
        said = host.reload()
        for part in ("pipelines added: three", "pipelines changed: two", "lanes set: heavy, light"):
            self.assertIn(part, said)
        self.assertNotIn("one", said)
        self.assertEqual(host.execute("two", 1), [4])
        os.remove(self.path("pipelines/one.json"))
        status, answer = host.ask("POST", "/v1/reload")
        self.assertEqual((status, answer["pipelines"]["removed"]), (200, ["one"]), answer)
        self.assertEqual(host.ask("POST", "/v1/pipelines/one/execute", 1)[0], 404)
        status, job = host.ask("POST", "/v1/jobs", {"type": "pipeline/one", "payload": 5})
        status, job = host.ask("GET", f"/v1/jobs/{job['id']}/wait?timeout_ms=30000")
        self.assertIn("not served any more", job["error"]["message"])

    def test_of_a_lane_the_configuration_counts_and_then_the_manifest(self):
        manifest = pipeline(node("m", "Multiply", {"multiplier": 3}))
        manifest["lanes"] = {"heavy": {"priority": 5, "weight": 4}, "wide": {"weight": 2}}
        self.write("pipelines/one.json", manifest)
        host = self.serve(lanes={"heavy": {"max_concurrency": 2}})
        doubt = r'one\.json: the lane "heavy" is the host\'s, which has it with priority 3, .*that counts, and not .*priority 5'
        host.wait_for(doubt)
        lane = lambda name: host.ask("GET", f"/v1/lanes/{name}")[1]
        self.assertEqual((lane("heavy")["priority"], lane("heavy")["max_concurrency"], lane("wide")["weight"]), (3, 2, 2))
        status, answer = host.ask("POST", "/v1/reload")
        self.assertRegex("\n".join(answer["notes"]), doubt)
        self.config()
        self.assertEqual(host.ask("POST", "/v1/reload")[1]["notes"], [])
        self.assertEqual((lane("heavy")["priority"], lane("heavy")["weight"], lane("heavy")["max_concurrency"]), (5, 4, None))

    def test_what_does_not_pass_changes_nothing(self):
        self.write("pipelines/one.json", TRIPLE)
        host = self.serve()
        self.write("pipelines/one.json", pipeline(node("m", "Multiplyy", {"multiplier": 4})))
        self.write("pipelines/two.json", TRIPLE)
        said = len(host.text)
        self.assertIn("not reloaded", host.reload())
        host.wait_for(r'did you mean "Multiply"', said)
        self.assertEqual(host.execute("one", 1), [3])
        self.assertEqual(host.ask("POST", "/v1/pipelines/two/execute", 1)[0], 404)
        self.write("heddle.json", '{"listen": [{"endpoint": "127.0.0.1:0"}],\n "pipeline": "pipelines"}')
        said = len(host.text)
        host.reload()
        host.wait_for(r'heddle.json:2:2: error\[unknown-key\](.|\n)*did you mean "pipelines"', said)
        self.assertEqual(host.execute("one", 1), [3])

    def test_a_reload_replaces_tokens_and_listeners(self):
        everything = {"name": "me", "token": "${env.TEST_TOKEN}", "scopes": ["read", "submit", "admin"]}
        host = self.serve(auth={"tokens": [everything]}, env={"TEST_TOKEN": TOKEN})
        self.assertIn(host.ask("GET", "/v1/host")[0], (401, 403))
        self.assertEqual(host.ask("GET", "/v1/host", token=TOKEN)[0], 200)
        self.assertIn(host.ask("GET", "/health")[0], (401, 403))
        auth = {"tokens": [{**everything, "token": "another-token"}], "open": ["health"]}
        self.config(auth=auth)
        host.reload()
        self.assertIn(host.ask("GET", "/v1/host", token=TOKEN)[0], (401, 403))
        self.assertEqual(host.ask("GET", "/v1/host", token="another-token")[0], 200)
        self.assertEqual(host.ask("GET", "/health")[0], 200)
        self.assertNotIn("another-token", host.text)

        before = host.address
        self.config(auth=auth, listen=[{"endpoint": "localhost:0", "limits": {"requests": 9}}], drain_ms=100)
        host.address = re.search(r"listens anew: http on ([^;\s]+)", host.reload()).group(1)
        self.assertNotEqual(host.address, before)
        self.assertEqual(host.ask("GET", "/v1/host", token="another-token")[0], 200)
        host.address = before
        with self.assertRaises((urllib.error.URLError, ConnectionError)):
            host.ask("GET", "/health")

    def test_a_reload_changes_a_listener_where_it_is(self):
        host = self.serve()
        for body_bytes, status in ((1, 413), (1000, 200)):
            self.write("pipelines/one.json", TRIPLE)
            self.config(listen=[{"endpoint": host.address, "limits": {"body_bytes": body_bytes}}])
            said = len(host.text)
            self.assertIn("listeners to change: http on", host.reload())
            host.wait_for(" changed: http on", said)
            self.assertEqual(host.ask("POST", "/v1/pipelines/one/execute", 14)[0], status)
        self.config(listen=[{"endpoint": host.address}])
        said = len(host.text)
        status, answer = host.ask("POST", "/v1/reload")  # is answered, though it comes through the listener that changes
        self.assertEqual((status, answer["listeners"]), (200, {"opened": [], "changed": ["http on " + host.address], "closed": []}))
        host.wait_for(" changed: http on", said)
        self.assertEqual(host.ask("GET", "/health")[0], 200)

    def test_a_signal_lets_finish_what_runs(self):
        self.write("pipelines/slow.json", SLOW)
        host = self.serve()
        status, job = host.ask("POST", "/v1/jobs", {"type": "pipeline/slow", "payload": 1})
        answers = []
        asking = threading.Thread(target=lambda: answers.append(host.execute("slow", 7)))
        asking.start()
        host.wait_for("it is in there(.|\\n)*it is in there")
        self.assertEqual(host.end(), 0, host.text)
        asking.join(TIMEOUT)
        self.assertEqual(answers, [[7]])
        self.assertNotIn("given up", host.text.split("stopping: ")[1])

    def test_what_does_not_finish_in_time_is_given_up_and_counted(self):
        self.write("pipelines/slow.json", pipeline(node("d", "Delay", {"delay_ms": 100000})))
        host = self.serve(drain_ms=100, lanes={"narrow": {"max_concurrency": 1, "grace_ms": 1000}})
        for _ in range(3):
            host.ask("POST", "/v1/jobs", {"type": "pipeline/slow", "payload": 1, "lane": "narrow"})
        self.assertEqual(host.end(), 0, host.text)
        self.assertIn("when the time was over, 3 jobs were not done: given up, for nothing keeps them", host.text)

    def test_a_node_that_hangs_is_left_behind(self):
        self.write("pipelines/watched.json", pipeline(node("h", "BrokenHang", timeout_ms=200)))
        self.write("pipelines/hangs.json", pipeline(node("told", "Log", {"message": "it is in there"}), node("h", "BrokenHang")))
        self.write("pipelines/triple.json", TRIPLE)
        host = self.serve("--plugin-dir", os.path.join(BUILD, "tests", "broken"), drain_ms=100, store={"type": "Sqlite", "params": {"path": self.path("jobs.db")}})
        status, answer = host.ask("POST", "/v1/pipelines/watched/execute", 1)
        self.assertEqual((status, answer["outputs"], answer["failed"][0]["node"]), (200, [], "h"))
        self.assertEqual(host.execute("triple", 1), [3])
        host.ask("POST", "/v1/jobs", {"type": "pipeline/hangs", "payload": 1})
        host.wait_for("it is in there")
        self.assertEqual(host.execute("triple", 1), [3])
        self.assertEqual(host.end(), 0, host.text)
        self.assertIn("a thread does not come back from a plugin", host.text)
        self.assertFalse(os.path.exists(self.path("jobs.db-wal")), "the store was closed")

    def test_a_second_signal_ends_at_once(self):
        self.write("pipelines/slow.json", pipeline(node("d", "Delay", {"delay_ms": 100000})))
        host = self.serve(drain_ms=100000)
        host.ask("POST", "/v1/jobs", {"type": "pipeline/slow", "payload": 1})
        host.process.terminate()
        host.wait_for("stopping: ")
        self.assertEqual(host.end(), 128 + signal.SIGTERM)

    def test_a_bad_configuration_is_shown_with_its_place(self):
        self.write("heddle.json", '{\n  "listen": [{"endpont": "127.0.0.1:0"}]\n}')
        said = self.heddle("serve", "--config", self.path("heddle.json"), code=INVALID).err
        for part in ("heddle.json:2:15: error[unknown-key]", "^~~~", 'did you mean "endpoint"?'):
            self.assertIn(part, said)
        report = self.heddle("serve", "--config", self.path("heddle.json"), "--json", code=INVALID).report
        self.assertEqual({d["code"] for d in report["diagnostics"]}, {"unknown-key", "missing-key"})
        self.heddle("serve", "--config", self.path("nowhere.json"), code=IO)
        self.assertRegex(self.refused(store={"type": "Sqlit", "params": {}}), r'heddle.json:1:\d+: error\[unknown-type\](.|\n)*did you mean "Sqlite"')
        self.assertRegex(self.refused(listen=[{"endpoint": "127.0.0.1:0", "transport": "htp"}]), r'error\[unknown-type\](.|\n)*did you mean "http"')
        self.assertRegex(self.refused(store={"type": "Sqlite", "params": {"pth": "x"}}), r'error\[bad-param\]: store "Sqlite": .*"pth"')
        self.assertRegex(self.refused(auth={"tokens": [{"name": "a", "token": "${param.x}", "scopes": ["read"]}]}), "params are of manifests")

    def test_nothing_is_served_to_strangers_without_a_token(self):
        said = self.refused(listen=[{"endpoint": "0.0.0.0:0"}])
        for part in ("can be reached from other machines", '"auth": {"tokens": [', '"insecure": true'):
            self.assertIn(part, said)

    def test_a_database_belongs_to_one_host(self):
        store = {"type": "Sqlite", "params": {"path": self.path("jobs.db")}}
        host = self.serve(store=store)
        said = self.refused(code=IO, store=store)
        self.assertIn(f"in use by process {host.process.pid}", said)
        self.assertEqual(host.end(), 0, host.text)
        self.assertEqual(self.serve(store=store).end(), 0)

    def test_durable_jobs_go_on_after_a_restart(self):
        self.write("pipelines/triple.json", TRIPLE)
        settings = {"store": {"type": "Sqlite", "params": {"path": self.path("jobs.db")}}, "lanes": {"kept": {"durability": "durable"}}}
        host = self.serve(**settings)
        host.ask("POST", "/v1/lanes/kept/pause")
        status, job = host.ask("POST", "/v1/jobs", {"type": "pipeline/triple", "payload": 5, "lane": "kept"})
        self.assertEqual(status, 202, job)
        host.process.kill()
        host.process.wait(TIMEOUT)
        host = self.serve(**settings)
        status, job = host.ask("GET", f"/v1/jobs/{job['id']}/wait?timeout_ms=30000")
        self.assertEqual((job["state"], job["result"]), ("done", {"outputs": [15]}), job)

    def test_durable_jobs_that_were_given_up_go_on_after_a_restart(self):
        self.write("pipelines/slow.json", pipeline(node("d", "Delay", {"delay_ms": 100000})))
        settings = {"store": {"type": "Sqlite", "params": {"path": self.path("jobs.db")}}, "drain_ms": 100,
                    "lanes": {"kept": {"durability": "durable", "max_concurrency": 1, "grace_ms": 2000}}}
        host = self.serve(**settings)
        jobs = [host.ask("POST", "/v1/jobs", {"type": "pipeline/slow", "payload": 5, "lane": "kept"})[1]["id"] for _ in range(3)]
        self.assertEqual(host.end(), 0, host.text)
        self.assertRegex(host.text, r"\d jobs? stays? in the store for the next start")
        self.write("pipelines/slow.json", TRIPLE)
        host = self.serve(**settings)
        self.assertIn("3 jobs go on", host.text)
        for id in jobs:
            status, job = host.ask("GET", f"/v1/jobs/{id}/wait?timeout_ms=30000")
            self.assertEqual((job["state"], job["result"]), ("done", {"outputs": [15]}), job)

    def test_the_supervisor_is_told(self):
        supervisor = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(supervisor.close)
        supervisor.settimeout(TIMEOUT)
        supervisor.bind(self.path("notify"))

        def told(what):
            while True:
                lines = supervisor.recv(4096).decode().splitlines()
                if what in lines:
                    return lines

        host = self.serve(env={"NOTIFY_SOCKET": self.path("notify"), "WATCHDOG_USEC": "50000"})
        self.assertIn(f"STATUS=http on {host.address}; 0 pipelines", told("READY=1"))
        told("WATCHDOG=1")
        told("WATCHDOG=1")
        host.process.send_signal(signal.SIGHUP)
        self.assertRegex("\n".join(told("RELOADING=1")), r"MONOTONIC_USEC=\d+")
        told("READY=1")
        host.process.terminate()
        told("STOPPING=1")
        self.assertEqual(host.process.wait(TIMEOUT), 0)

    def test_an_endpoint_in_use_is_refused(self):
        host = self.serve()
        self.assertIn("cannot listen on " + host.address, self.refused(code=None, listen=[{"endpoint": host.address}]))

    def test_the_configuration_is_found(self):
        self.config(pipelines=None)
        process = self.start("serve")  # ./heddle.json
        host = Host(self, process)
        self.assertEqual(host.end(signal.SIGINT), 0)
        os.rename(self.path("heddle.json"), self.path("other.json"))
        host = Host(self, self.start("serve", env={"HEDDLE_CONFIG": self.path("other.json")}))
        self.assertEqual(host.end(), 0)

    def test_settings_of_several_files_are_one_configuration(self):
        os.makedirs(self.path("home/heddle"))
        self.write("home/heddle/heddle.json", {"pipelines": self.path("pipelines"), "lanes": {"heavy": {"weight": 3, "depth": 5}}, "drain_ms": 1000})
        self.write("heddle.json", '{"listen": [{"endpoint": "127.0.0.1:0"}],\n "lanes": {"heavy": {"depth": 9}},\n "auth": {"tokens": [{"name": "me", "token": "not-to-be-shown", "scopes": ["read"]}]}}')
        self.write("pipelines/triple.json", TRIPLE)
        env = {"XDG_CONFIG_HOME": self.path("home"), "HEDDLE_DRAIN_MS": "200"}
        host = Host(self, self.start("serve", env=env))
        status, lane = host.ask("GET", "/v1/lanes/heavy", token="not-to-be-shown")
        self.assertEqual((status, lane["weight"], lane["depth"]), (200, 3, 9), lane)
        self.assertEqual(host.end(), 0)
        said = self.heddle("config", "explain", "--threads", "2", env=env).out
        for name, value, origin in (("threads", "2", "--threads"), ("drain_ms", "200", "HEDDLE_DRAIN_MS"), ("lanes.heavy.depth", "9", "heddle.json:2"),
                                    ("lanes.heavy.weight", "3", self.path("home/heddle/heddle.json") + ":1"), ("store", "null", "default"),
                                    ("client.host", '"http://127.0.0.1:7433"', "default")):
            self.assertRegex(said, rf"(?m)^{re.escape(name)} +{re.escape(value)} +{re.escape(origin)}$")
        dirs = self.heddle("config", "explain", "--plugin-dir", "/c", env={**env, "HEDDLE_PLUGIN_PATH": "/a::/b"}).out
        self.assertRegex(dirs, r'(?m)^plugin_dirs +\["/a","/b","/c"\] +HEDDLE_PLUGIN_PATH, --plugin-dir$')
        explained = json.loads(self.heddle("config", "explain", "--json", env=env).out)
        self.assertEqual(explained["files"], ["heddle.json", self.path("home/heddle/heddle.json")])
        rows = {row["setting"]: row for row in explained["settings"]}
        self.assertEqual(rows["auth.tokens"], {"setting": "auth.tokens", "value": [{"name": "me", "token": "***", "scopes": ["read"]}], "from": [{"file": "heddle.json", "line": 3}]})
        self.assertEqual(rows["threads"]["from"], [])
        self.assertNotIn("not-to-be-shown", said + json.dumps(explained))

    def test_config_explain_refuses_what_serve_refuses(self):
        self.write("heddle.json", '{\n  "listne": []\n}')
        for verb in (("serve",), ("config", "explain")):
            said = self.heddle(*verb, code=INVALID).err
            self.assertRegex(said, r'heddle.json:2:3: error\[unknown-key\](.|\n)*did you mean "listen"')
        self.heddle("config", "explain", "--config", self.path("nowhere.json"), code=IO)
        self.assertIn("HEDDLE_THREADS must be a whole number", self.heddle("config", "explain", "--config", self.config(), code=USAGE, env={"HEDDLE_THREADS": "many"}).err)


if __name__ == "__main__":
    unittest.main()
