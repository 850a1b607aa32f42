"""Which plugins a daemon loads: what only root and its own user can have written, and what its configuration names."""
import hashlib
import json
import os
import shutil
import unittest

from host import Host, HostCase
from program import BUILD, INVALID, node, pipeline

NOT_TRUSTED = 77


class PolicyCase(HostCase):
    """A host whose plugins lie in a folder of the test."""

    def setUp(self):
        super().setUp()
        self.plugins = self.path("plugins")
        os.makedirs(self.plugins, mode=0o755)
        os.chmod(self.folder, 0o755)
        os.makedirs(self.path("served"))
        self.write("served/same.json", pipeline(node("m", "Sound")))
        shutil.copy(os.path.join(BUILD, "tests", "broken", "sound.so"), self.sound)
        os.chmod(self.sound, 0o644)

    @property
    def sound(self):
        return os.path.join(self.plugins, "sound.so")

    def digest(self):
        with open(self.sound, "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()

    def config(self, **more):
        return self.write("heddle.json", {"listen": [{"endpoint": "127.0.0.1:0"}], "pipelines": "served", "plugin_dirs": ["plugins"], "drain_ms": 100, **more})

    def host(self, **more):
        return Host(self, self.start("serve", "--config", self.config(**more)))

    def refused(self, *said, code=NOT_TRUSTED, **more):
        """The host does not start, and says why; `heddle inspect` says the same."""
        answer = self.heddle("serve", "--config", self.config(**more), code=code)
        listed = self.heddle("inspect", env={"HEDDLE_CONFIG": self.path("heddle.json")})
        described = self.heddle("inspect", self.sound, env={"HEDDLE_CONFIG": self.path("heddle.json")})
        for text in said:
            self.assertIn(text, answer.err)
            self.assertIn(text, listed.out)
            self.assertIn(text, described.out)
        self.assertIn("refused by a daemon", listed.out)
        return answer

    def taken(self, **more):
        host = self.host(**more)
        self.assertEqual(host.execute("same", 5), [5])
        described = json.loads(self.heddle("inspect", self.sound, "--json", env={"HEDDLE_CONFIG": self.path("heddle.json")}).out)
        self.assertEqual((described["daemon_loads"], described["sha256"]), (True, self.digest()))
        return host


class WhoWrote(PolicyCase):
    def test_what_only_we_could_write_is_loaded(self):
        self.taken()

    def test_a_folder_that_everybody_can_write_is_refused_with_what_to_do(self):
        os.chmod(self.plugins, 0o777)
        self.refused("is not trusted", f"the directory {self.plugins} can be written by everybody (mode 0777): chmod o-w {self.plugins}")
        self.assertIn(f"the directory {self.plugins} can be written by everybody", self.heddle("doctor", "--config", self.path("heddle.json"), code=None).out)
        os.chmod(self.plugins, 0o755)
        self.taken()

    def test_a_folder_above_counts_and_so_does_the_file(self):
        os.chmod(self.folder, 0o757)
        self.refused(f"the directory {self.folder} can be written by everybody")
        os.chmod(self.folder, 0o755)
        os.chmod(self.sound, 0o666)
        self.refused(f"the file {self.sound} can be written by everybody")

    @unittest.skipUnless(os.geteuid() == 0, "skipped: only root can give a file to somebody else")
    def test_a_file_of_somebody_else_is_refused(self):
        os.chown(self.sound, 4321, 4321)
        self.refused(f"the file {self.sound} belongs to 4321, and the host runs as root")


class WhatIsNamed(PolicyCase):
    def test_an_id_that_is_not_allowed(self):
        self.refused("\"plugins\".\"allow\" of the configuration does not name it", plugins={"allow": ["node_std"]})
        self.taken(plugins={"allow": ["broken_sound", "transport_http"]})

    def test_a_folder_that_is_not_named(self):
        ours = os.path.join(BUILD, "plugins")
        self.refused("\"plugins\".\"directories\" of the configuration does not have it", plugins={"directories": [ours]})
        self.taken(plugins={"directories": [ours, "plugins"]})

    def test_a_pin(self):
        self.refused("its pin says another", plugins={"pins": {"broken_sound": "0" * 64}})
        self.taken(plugins={"pins": {"broken_sound": ["0" * 64, self.digest().upper()]}})

    def test_pins_of_packages_lie_in_plugins_d(self):
        os.makedirs(self.path("plugins.d"))
        self.write("plugins.d/sound.json", {"plugins": {"pins": {"broken_sound": "0" * 64}}})
        self.refused("its pin says another")
        self.write("plugins.d/sound.json", {"plugins": {"pins": {"broken_sound": self.digest()}}})
        self.taken()
        explained = json.loads(self.heddle("config", "explain", "--json", "--config", self.path("heddle.json")).out)
        self.assertIn(self.digest(), json.dumps(explained))
        self.write("plugins.d/sound.json", {"threads": 1})
        answer = self.heddle("serve", "--config", self.path("heddle.json"), code=INVALID)
        self.assertIn("plugins.d/sound.json:1:2", answer.err)
        self.assertIn("threads", answer.err)

    def test_pins_that_are_none_are_errors_at_their_place(self):
        for pins, said in (({"x": "12"}, "is no SHA-256"), ({"x": 5}, "must be a string"), ({"x": []}, "no file could be it"), ([], "must be a map")):
            answer = self.heddle("serve", "--config", self.config(plugins={"pins": pins}), code=INVALID)
            self.assertIn(said, answer.err)
            self.assertRegex(answer.err, r"heddle\.json:1:\d+")

    def test_only_pinned_plugins(self):
        ours = os.path.join(BUILD, "plugins", "transport_http.so")
        with open(ours, "rb") as file:
            http = hashlib.sha256(file.read()).hexdigest()
        self.refused("it has no pin, and \"plugins\".\"pinned_only\" is true", plugins={"pinned_only": True, "pins": {"transport_http": http}})
        host = self.host(plugins={"pinned_only": True, "pins": {"transport_http": http, "broken_sound": self.digest()}})
        self.assertEqual(host.execute("same", 5), [5])


class WhileItRuns(PolicyCase):
    def test_a_file_that_is_exchanged_after_it_was_found_is_not_loaded(self):
        pins = {"broken_sound": self.digest()}
        self.write("served/same.json", pipeline(node("m", "PassThrough")))
        host = self.host(plugins={"pins": pins}, execute={"inline": True, "node_types": ["Sound"]})
        changed = self.sound + ".new"
        with open(self.sound, "rb") as file, open(changed, "wb") as other:
            other.write(file.read() + b"\0")  # is loaded as well as before
        os.chmod(changed, 0o644)
        os.rename(changed, self.sound)
        self.write("served/sound.json", pipeline(node("m", "Sound")))
        self.assertIn("not reloaded", host.reload())
        self.assertIn("its pin says another", host.text)
        self.assertEqual(host.execute("same", 7), [7])

    def test_a_plugin_that_is_refused_from_now_on_stays_where_it_is_needed(self):
        host = self.taken()
        self.config(plugins={"allow": ["transport_http"]})
        said = host.reload()
        self.assertIn("not reloaded", said)
        host.wait_for("does not name it")
        self.assertEqual(host.execute("same", 9), [9])


if __name__ == "__main__":
    unittest.main()
