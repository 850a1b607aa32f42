"""`heddle new` writes plugins that build out of the tree against what is installed, pass their own tests and run."""
import base64
import json
import os
import re
import shlex
import shutil
import subprocess
import tempfile
import time
import unittest

from host import HostCase
from program import BUILD, DEAD_LETTERS, IO, OK, SOURCE, TIMEOUT, USAGE, node, pipeline

LANGUAGES = {"node": ("cpp", "c"), "store": ("cpp", "c"), "transport": ("cpp", "c"), "sidecar": ("cpp", "c"), "chain": ("cpp", "c")}  # those that there is a template in
WORDS = ("my_plugin", "MyType", "my-plugin")  # of the template: sdk/template/README.md


class New(HostCase):
    @classmethod
    def setUpClass(cls):
        cls.home = tempfile.mkdtemp(prefix="heddle-new-")
        cls.addClassCleanup(shutil.rmtree, cls.home, ignore_errors=True)
        cls.prefix = os.path.join(cls.home, "installed")
        for component in ("dev", "program"):
            subprocess.run(["cmake", "--install", BUILD, "--component", component, "--prefix", cls.prefix], check=True, stdout=subprocess.DEVNULL)
        pkgconfig, = (at for at, _, names in os.walk(cls.prefix) if "heddle-plugin.pc" in names)
        cls.libraries = os.path.dirname(pkgconfig)  # lib, or lib/x86_64-linux-gnu, as it was configured
        cls.made = {}

    def stranger(self, **more):
        """The environment of somebody who has the packages and nothing else of heddle."""
        return self.environment({"PATH": os.path.join(self.prefix, "bin") + os.pathsep + os.environ["PATH"], "CMAKE_PREFIX_PATH": self.prefix,
                                 "PKG_CONFIG_PATH": os.path.join(self.libraries, "pkgconfig"), **more})

    def shell(self, script, folder=None, **environment):
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", script], cwd=folder or self.folder, env=self.stranger(**environment), capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, f"{script}\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def new(self, *arguments, code=OK, folder=None, **environment):
        done = subprocess.run(["heddle", "new", *arguments], cwd=folder or self.folder, env=self.stranger(**environment), capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, code, f"{arguments}\n{done.stdout}\n{done.stderr}")
        return done

    def plugin(self, language):
        """The folder of tone_map in this language, made, built, tested and run by the commands that `heddle new` printed; once."""
        if language not in self.made:
            answer = self.new("node", "tone_map", "--lang", language, "--dir", f"{language} plugin", folder=self.home)
            self.assertRegex(answer.stderr, r"^heddle: wrote a node plugin to .*\(\d+ files\)")
            self.made[language] = os.path.join(self.home, f"{language} plugin"), self.shell(answer.stdout, self.home)
        return self.made[language]

    def files(self, folder):
        for at, _, names in os.walk(folder):
            yield from (os.path.relpath(os.path.join(at, name), folder) for name in names)

    def exported(self, path):
        return [line.split()[-1] for line in self.shell(f"nm -D --defined-only {shlex.quote(path)}").splitlines() if line.strip()]

    def test_what_is_printed_builds_tests_and_runs_it(self):
        for language in ("cpp", "c"):
            with self.subTest(language):
                folder, out = self.plugin(language)
                self.assertIn("100% tests passed, 0 tests failed out of 1", out)
                self.assertEqual(out.splitlines()[-1], "42.0")
                self.assertEqual(self.exported(f"{folder}/build/plugins/tone_map.so"), ["heddle_entry_v1"])

    def test_the_plugin_in_c_needs_no_cpp(self):
        folder, _ = self.plugin("c")
        self.assertNotIn("libstdc++", self.shell(f"objdump -p {shlex.quote(folder)}/build/plugins/tone_map.so"))

    def test_it_is_a_node_like_others(self):
        for language in ("cpp", "c"):
            with self.subTest(language):
                folder, _ = self.plugin(language)
                plugins = f"{folder}/build/plugins"
                self.heddle("test", f"{folder}/tone_map.json", env={"HEDDLE_PLUGIN_PATH": plugins})
                self.assertIn("heddle-plugin-tone-map", self.heddle("inspect", "ToneMap", "--plugin-dir", plugins).out)
                manifest = {"version": "heddle/1", "nodes": [{"id": "t", "node_type": "ToneMap"}]}
                answer = self.run_manifest(manifest, [1, "two", 1e308, 3], "--dead-letters", self.path(language), code=DEAD_LETTERS, env={"HEDDLE_PLUGIN_PATH": plugins})
                self.assertEqual(answer.items, [2.0, 6.0])
                self.assertEqual(json.loads(self.read(language).splitlines()[0])["message"], "ToneMap takes a number")
                manifest["nodes"][0]["params"] = {"by": "two"}
                self.heddle("validate", self.write("bad.json", manifest), env={"HEDDLE_PLUGIN_PATH": plugins}, code=78)

    def test_it_passes_heddle_check(self):
        for language in ("cpp", "c"):
            with self.subTest(language):
                self.heddle("check", f"{self.plugin(language)[0]}/build/plugins/tone_map.so")
        for language in LANGUAGES["store"]:
            with self.subTest(f"store {language}"):
                name = f"kept_{language}"
                self.new("store", name, "--lang", language)
                self.shell(f"cmake -S {name} -B {name}/build -DBUILD_TESTING=OFF && cmake --build {name}/build")
                self.heddle("check", f"{name}/build/plugins/{name}.so", "--params", f'Kept{language.capitalize()}={json.dumps({"path": self.path(name + "/kept")})}')

    def test_a_store_keeps_the_jobs_of_a_host(self):
        for language in LANGUAGES["store"]:
            with self.subTest(language):
                self.keep_jobs(language)

    def keep_jobs(self, language):
        # The name is a word of C++ and of the template's own code.
        self.shell(self.new("store", "medium", "--lang", language, "--dir", f"kept in {language}").stdout)
        settings = {"plugin_dirs": [self.path(f"kept in {language}/build/plugins")], "store": {"type": "Medium", "params": {"path": self.path("jobs")}},
                    "lanes": {"kept": {"durability": "durable"}}}
        host = self.serve(**settings)
        self.heddle("lanes", "pause", "kept")
        job = self.submit("pipeline/double", "21", "--lane", "kept")
        host.kill()
        host.wait(TIMEOUT)
        host = self.serve(**settings)
        self.heddle("jobs", "wait", str(job))
        self.assertEqual(self.job(job)["result"], {"outputs": [42]})
        self.stop(host)
        self.write("jobs", self.read("jobs")[:-1])
        self.assertIn("is damaged", self.finish(self.start("serve", "--config", self.path("host.json"))).err)
        os.remove(self.path("jobs"))

    def built(self, kind, language):
        """The folder of plugins of a KIND, with the type Wired, made, built and tested by the commands that `heddle new` printed; once."""
        if (kind, language) not in self.made:
            folder = os.path.join(self.home, f"{kind} {language}")
            out = self.shell(self.new(kind, "wired", "--lang", language, "--dir", folder, folder=self.home).stdout, self.home,
                             HEDDLE_PLUGIN_PATH=os.path.join(BUILD, "plugins"))  # heddle-plugins-base, which has the type Sidecar
            if kind == "sidecar":
                self.assertEqual(out.splitlines()[-1], "41")  # by `rev`, of 14
            self.assertIn("100% tests passed, 0 tests failed out of 1", out)
            self.assertEqual(self.exported(f"{folder}/build/plugins/wired.so"), ["heddle_entry_v1"])
            self.made[kind, language] = f"{folder}/build/plugins"
        return self.made[kind, language]

    def test_a_host_is_served_and_reached_over_a_transport(self):
        for language in LANGUAGES["transport"]:
            with self.subTest(language):
                plugins = self.built("transport", language)
                self.heddle("check", f"{plugins}/wired.so")
                os.makedirs(self.path("served"), exist_ok=True)
                self.write("served/parts.json", pipeline(node("s", "Split")))
                host = self.serve(plugin_dirs=[plugins], listen=[{"endpoint": "127.0.0.1:0"}, {"transport": "Wired", "endpoint": "127.0.0.1:0"}])
                endpoint, = (listener["endpoint"] for listener in self.listeners if listener["transport"] == "Wired")

                def there(name, items, *arguments, **more):
                    params = {"transport": "Wired", "endpoint": endpoint, "manifest_source": {"type": "name", "name": name}, "retry": {"initial_backoff_ms": 10}}
                    return self.run_manifest(pipeline(node("there", "RemotePipeline", params)), items, *arguments, env={"HEDDLE_PLUGIN_PATH": plugins}, **more)

                self.assertEqual(there("double", list(range(500))).items, [2 * n for n in range(500)])
                many = [{"n": n, "text": "é" * 100} for n in range(20_000)]  # more than any window has room for
                self.assertEqual(there("parts", [many]).items, many)
                there("double", [1, "x"], "--dead-letters", self.path("letters"), code=DEAD_LETTERS)
                self.assertIn(f'pipeline "double" at {endpoint} failed in node m: Multiply takes a number', json.loads(self.read("letters").splitlines()[-1])["message"])
                there("dubble", [1], "--dead-letters", self.path("letters"), code=DEAD_LETTERS)
                self.assertIn('did you mean "double"?', json.loads(self.read("letters").splitlines()[-1])["message"])

                manifest = {"transport": "Wired", "endpoint": endpoint, "manifest_source": {"type": "name", "name": "never"}}
                run = self.start("run", self.write("never.json", pipeline(node("there", "RemotePipeline", manifest))), "--input", self.write("items", b"1\n"), "--dead-letters",
                                 self.path("letters"), env={"HEDDLE_PLUGIN_PATH": plugins})
                self.stop(host)  # with a call in flight, or one that nobody takes any more
                self.assertEqual(self.finish(run).code, DEAD_LETTERS)
                os.remove(self.path("letters"))

    def test_programs_do_the_items_of_a_sidecar_node(self):
        for language in LANGUAGES["sidecar"]:
            with self.subTest(language):
                plugins = self.built("sidecar", language)
                self.heddle("check", f"{plugins}/wired.so")

                def done(command, items, *arguments, code=OK, params=None, **entry):
                    told = {"sidecar": "Wired", "sidecar_params": {"command": command}, "endpoint": "localhost:1", **(params or {})}
                    return self.run_manifest(pipeline(node("s", "Sidecar", told, **entry)), items, *arguments, code=code, env={"HEDDLE_PLUGIN_PATH": plugins})

                self.assertEqual(sorted(done(["cat"], list(range(200)), params={"slots": 4}).items), list(range(200)))
                self.assertEqual(done(["sh", "-c", "grep -v 2 || true"], [1, 2, 3]).items, [1, 3])
                self.assertEqual(done(["sh", "-c", "cat; cat >/dev/null"], [{"a": {"b": "é"}}], params={"inputs": {"all": ""}}).items, [{"all": {"a": {"b": "é"}}}])

                def why(command, **more):
                    done(command, [1], "--dead-letters", self.path("letters"), code=DEAD_LETTERS, **more)
                    return json.loads(self.read("letters").splitlines()[-1])
                self.assertIn("sh exited with 3: it is full", why(["sh", "-c", "echo it is full >&2; exit 3"])["message"])
                late = why(["sh", "-c", "trap : TERM; while :; do sleep 3600; done"], params={"timeout_ms": 200, "grace_ms": 50})
                self.assertEqual(late["code"], "SidecarTimeout", late)
                self.assertIn("there is no program no-such-program that can be run here", why(["no-such-program"], params={"absent_ms": 200})["message"])
                # Tried again, by what the program says of its failure.
                self.assertEqual(done(["sh", "-c", f"[ -e {self.path('tried')} ] && echo 7 || {{ touch {self.path('tried')}; exit 75; }}"], [1], idempotent=True,
                                      params={"retry": {"initial_backoff_ms": 1}}).items, [7])
                os.remove(self.path("tried"))
                os.remove(self.path("letters"))

    def ledger(self, folder, done=0):
        """The entries of the ledger, once it has so many that complete an activity."""
        deadline = time.monotonic() + TIMEOUT
        while True:
            entries = [json.loads(line) for line in self.read(f"{folder}/ledger").splitlines(keepends=True) if line.endswith(b"\n")]
            if sum(entry.get("do") == "complete" for entry in entries) >= done:
                return entries
            self.assertLess(time.monotonic(), deadline, entries)
            time.sleep(0.05)

    def test_a_chain_has_each_activity_done_once(self):
        for language in LANGUAGES["chain"]:
            with self.subTest(language):
                self.do_activities(f"{language} chain", language)

    def do_activities(self, folder, language):
        # The name is a word of C++ and of the template's own code.
        self.assertIn("100% tests passed, 0 tests failed out of 1", self.shell(self.new("chain", "ledger", "--lang", language, "--dir", folder).stdout))
        plugins, params = self.path(f"{folder}/build/plugins"), {"path": self.path(f"{folder}/ledger"), "account": "worker"}
        self.assertEqual(self.exported(f"{plugins}/ledger.so"), ["heddle_entry_v1"])
        self.assertEqual("libstdc++" in self.shell(f"objdump -p {shlex.quote(plugins)}/ledger.so"), language == "cpp")
        self.heddle("check", f"{plugins}/ledger.so", "--params", f"Ledger={json.dumps({**params, 'path': self.path('checked')})}")
        offers = [{"name": f"a{i}", "number": i} for i in range(8)]
        for _ in range(2):  # who offers the same again has offered it once
            text = "".join(json.dumps(offer) + "\n" for offer in offers)
            self.shell(f"heddle run offer.json --plugin-dir build/plugins --state-dir offered <<'END'\n{text}END", self.path(folder), HEDDLE_PLUGIN_PATH=os.path.join(BUILD, "plugins"))
        with open(self.path(f"{folder}/served/ledger.json"), encoding="utf-8") as file:
            manifest = json.load(file)
        manifest["worker"].update(chain_params=params, limit=2)
        manifest["nodes"].insert(0, node("wait", "Delay", {"delay_ms": 100}))
        manifest["connections"] = [{"from": "wait", "to": "double"}]
        os.makedirs(self.path("served"), exist_ok=True)
        self.write("served/ledger.json", manifest)
        settings = {"plugin_dirs": [plugins], "store": {"type": "Sqlite", "params": {"path": self.path(f"{folder}/jobs.db")}}}
        for done in (1, 4):
            host = self.serve(**settings)
            self.ledger(folder, done)
            host.kill()
            host.wait(TIMEOUT)
        self.shell("""flock ledger sh -c 'echo "{\\"do\\":\\"offer\\",\\"activity\\":\\"a8\\",\\"queue\\":\\"numbers\\",\\"kind\\":\\"number\\",\\"input\\":\\"$(printf 8 | base64)\\"}" >> ledger'""", self.path(folder))
        host = self.serve(**settings)
        entries = self.ledger(folder, 9)
        self.heddle("txs", "--worker", "ledger")
        self.stop(host)
        for deed in ("offer", "complete"):
            self.assertEqual(sorted(entry["activity"] for entry in entries if entry.get("do") == deed), [f"a{i}" for i in range(9)])
        results = {entry["activity"]: json.loads(base64.b64decode(entry["result"])) for entry in entries if entry.get("do") == "complete"}
        self.assertEqual(results, {f"a{i}": 2 * i for i in range(9)})
        self.assertNotIn("fail", [entry.get("do") for entry in entries])

    def test_its_test_can_fail(self):
        shutil.copytree(self.plugin("c")[0], self.path("worse"), ignore=shutil.ignore_patterns("build"))
        source = self.read("worse/tone_map.c").decode()
        self.write("worse/tone_map.c", source.replace("number * self->by", "number + self->by"))
        self.assertNotEqual(self.read("worse/tone_map.c").decode(), source)
        self.shell("cmake -S worse -B build && cmake --build build")
        done = subprocess.run([self.path("build/tone_map_test")], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("not kept: a number is doubled", done.stderr)

    def test_the_commands_of_the_readme(self):
        with open(os.path.join(SOURCE, "README.md"), encoding="utf-8") as file:
            commands, result = re.search(r"```sh\n(.*?)```\n```text\n(.*?)```", file.read(), re.S).groups()
        commands = commands.splitlines()
        self.assertLessEqual(len(commands), 5)
        self.assertRegex(commands[0], r"^sudo apt install .*\bheddle-dev\b")  # stood in for by setUpClass
        self.assertTrue(self.shell("\n".join(commands[1:])).endswith("\n" + result))

    def test_no_word_of_the_template_is_left(self):
        for kind, language in ((kind, language) for kind in LANGUAGES for language in LANGUAGES[kind]):
            shutil.rmtree(self.path(language), ignore_errors=True)
            self.new(kind, "a_b2_c", "--lang", language, "--dir", language, DEBFULLNAME="Ada Lovelace", DEBEMAIL="ada@example.org", SOURCE_DATE_EPOCH="1795246000")
            names = sorted(self.files(self.path(language)))
            for name in names:
                text = self.read(f"{language}/{name}").decode()
                for word in (*WORDS, "Your Name", "1970"):
                    self.assertNotIn(word, name + text, name)
            for name in ("README.md", "CMakeLists.txt", "a_b2_c_test.cc", {"node": "a_b2_c.json", "store": "host.json", "transport": "host.json", "sidecar": "a_b2_c.json", "chain": "served/a_b2_c.json"}[kind], "debian/control", "debian/copyright"):
                self.assertIn(name, names)
            self.assertTrue(os.access(self.path(f"{language}/debian/rules"), os.X_OK))
            self.assertFalse(os.access(self.path(f"{language}/README.md"), os.X_OK))
            changelog = self.read(f"{language}/debian/changelog").decode()
            self.assertTrue(changelog.startswith("heddle-plugin-a-b2-c (0.1.0) "), changelog)
            self.assertIn(" -- Ada Lovelace <ada@example.org>  Sat, 21 Nov 2026 07:26:40 +0000\n", changelog)
            self.assertIn("AB2C", self.read(f"{language}/README.md").decode())

    def test_names_that_mean_something_elsewhere(self):
        # "value" and "int" are a class of the SDK and a type of C.
        for name, language in (("value", "cpp"), ("int", "c")):
            self.new("node", name, "--lang", language)
            self.shell(f"cmake -S {name} -B {name}/build -DBUILD_TESTING=OFF && cmake --build {name}/build")
            self.heddle("test", self.path(f"{name}/{name}.json"), env={"HEDDLE_PLUGIN_PATH": self.path(f"{name}/build/plugins")})

    def test_without_cmake(self):
        self.new("node", "tone_map", "--lang", "c")
        self.shell("cc -std=c11 -fPIC -fvisibility=hidden -Wall -Wextra -Werror tone_map/tone_map.c $(pkg-config --cflags --libs heddle-plugin) -o tone_map.so")
        self.assertEqual(self.exported(self.path("tone_map.so")), ["heddle_entry_v1"])
        self.assertEqual(os.path.normpath(self.shell("pkg-config --variable=plugindir heddle-plugin").strip()), os.path.join(self.libraries, "heddle/1"))

    def test_it_is_installed_where_heddle_looks(self):
        folder, _ = self.plugin("cpp")
        self.shell(f"cmake --install {shlex.quote(folder)}/build --prefix .local")
        self.assertIn("ToneMap", self.heddle("inspect", "ToneMap").out)  # HOME is self.folder

    def test_json(self):
        answer = json.loads(self.new("node", "tone_map", "--json").stdout)
        self.assertEqual((answer["ok"], answer["folder"]), (True, "tone_map"))
        self.assertEqual(sorted(answer["files"]), sorted(self.files(self.path("tone_map"))))
        self.assertEqual(len(answer["next"]), 4)

    def refused(self, *arguments, says, code=USAGE, **environment):
        before = sorted(os.listdir(self.folder))
        error = self.new(*arguments, code=code, **environment).stderr
        self.assertIn(says, error)
        self.assertEqual(sorted(os.listdir(self.folder)), before)
        self.assertEqual(json.loads(self.new(*arguments, "--json", code=code, **environment).stderr)["exit_code"], code)

    def test_refusals(self):
        self.refused("node", "Tone-Map", says='"Tone-Map" is no name for a plugin: it takes lower-case letters, digits and "_", a letter first, 64 at most; did you mean tone_map?')
        self.refused("node", "ToneMap", says="did you mean tone_map?")
        for name in ("", "1st", "_x", "../x", "tüne", "a" * 65, "x y"):
            self.refused("node", name, says="is no name for a plugin")
        self.refused("node", "test", says="is a word that CMake keeps for itself")
        self.refused("nod", "x", says="there is no template of a nod; there is one of: chain, node, sidecar, store, transport; did you mean node?")
        self.refused("widget", "x", says="there is no template of a widget; there is one of: chain, node, sidecar, store, transport")
        self.refused("node", "x", "--lang", "rust", says="there is no template of a node in rust; there is one in: c, cpp")
        self.refused("store", "x", "--lang", "rust", says="there is no template of a store in rust; there is one in: c, cpp")
        self.refused("node", "x", "--dir", "no/such/folder", says="cannot create no/such/folder: No such file or directory", code=IO)
        self.refused("node", "x", "--template", self.path("none"), says=f"there is no template of a plugin in {self.path('none')}", code=IO)
        self.refused("node", "x", says="there is no template of a plugin in /none", code=IO, HEDDLE_TEMPLATE_DIR="/none")
        self.refused("node", says="NAME is required")

    def test_what_exists_stays_as_it_is(self):
        os.mkdir(self.path("tone_map"))
        self.write("tone_map/kept", "as it was")
        self.write("file", "as it was")
        self.refused("node", "tone_map", says="tone_map is there already")
        self.refused("node", "x", "--dir", "file", says="file is there already")
        self.assertEqual((os.listdir(self.path("tone_map")), self.read("tone_map/kept"), self.read("file")), (["kept"], b"as it was", b"as it was"))

    def test_a_template_of_ones_own(self):
        os.makedirs(self.path("mine/node-cpp"))
        os.makedirs(self.path("mine/chain-zig"))
        self.write("mine/node-cpp/my_plugin.cc", "// my_pluginMyTypemy-plugin my_my_plugin\n")
        self.new("node", "mytype_my_plugin_x", "--dir", "own", "--template", "mine")
        self.assertEqual(list(self.files(self.path("own"))), ["mytype_my_plugin_x.cc"])
        self.assertEqual(self.read("own/mytype_my_plugin_x.cc"), b"// mytype_my_plugin_xMytypeMyPluginXmytype-my-plugin-x my_mytype_my_plugin_x\n")
        self.refused("sidecar", "x", says="there is one of: chain, node", HEDDLE_TEMPLATE_DIR="mine")

    def test_in_the_build_tree_it_finds_that_of_the_source_tree(self):
        self.heddle("new", "node", "tone_map")
        self.assertTrue(os.path.exists(self.path("tone_map/tone_map.cc")))

    def test_what_cannot_be_written_leaves_nothing(self):
        done = subprocess.run(["bash", "-c", "ulimit -f 1; exec heddle new node tone_map"], cwd=self.folder, env=self.stranger(), capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, IO, done.stderr)
        self.assertIn("File too large", done.stderr)
        self.assertEqual(os.listdir(self.folder), [])


if __name__ == "__main__":
    unittest.main()
