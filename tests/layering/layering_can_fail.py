#!/usr/bin/env python3
"""Plants one violation of every rule into a small tree, and expects exactly that rule to be named; a clean tree gives none."""
import os
import tempfile
import unittest

import layering

CLEAN = {
    "plugin-api/include/heddle/abi.h": "#include <stdint.h>\ntypedef struct heddle_call_service { int x; } heddle_call_service;\n",
    "sdk/cpp/include/heddle/sdk.h": '#include <heddle/abi.h>\n#include <vector>\n// TEXT: "catch (...)" lives here\ninline void f() { try { } catch (...) { } }\n',
    "plugins/node_std/echo.cc": '#include <heddle/sdk.h>\n#include "echo.h"\n',
    "plugins/node_std/echo.h": "#pragma once\n",
    "plugins/node_jq/jq.cc": "#include <jq.h>\n#include <heddle/sdk.h>\n",
    "plugins/node_file/gz.cc": "#include <zlib.h>\n",
    "host/result.h": "#include <string>\n",
    "host/value/value.h": '#include <heddle/abi.h>\n#include "result.h"\n',
    "host/value/parse.cc": '#include <simdjson.h>\n#include <sys/mman.h>\n#include "value/value.h"\n// a catch (...) in a comment is no violation; 1\'000 is no literal\n',
    "host/lanes/lanes.cc": '#include <utility>\n#include <boost/asio/io_context.hpp>\n#include "value/value.h"\n',
    "host/plugin/library.cc": "#include <boost/dll/shared_library.hpp>\n",
    "host/manifest/manifest.h": "#pragma once\n",
    "plugins/node_jq/state.h": "#pragma once\n",
    "host/manifest/schema.cc": "#include <rapidjson/document.h>\n#include <valijson/schema.hpp>\n",
    "host/pipeline/run.cc": '#include "../value/value.h"\n#include "value/value.h"\nconst char* text = "usleep( TO" "DO catch (...)";\n',
    "tests/fuzz/jq_fuzz.cc": '#include "plugins/node_jq/state.h"\n',
    "host/main.cc": '#include "value/value.h"\nint main() { try { } catch (...) { } }\n',
}

PLANTED = [
    ("who-may-include-whom", "plugins/node_std/door.cc", '#include "../../host/value/value.h"\n'),
    ("unknown-include", "plugins/node_std/door.cc", '#include "value/value.h"\n'),
    ("who-may-include-whom", "plugins/node_std/other.cc", '#include "../node_jq/state.h"\n'),
    ("unknown-include", "sdk/cpp/include/heddle/door.h", '#include "value/value.h"\n'),
    ("who-may-include-whom", "sdk/cpp/include/heddle/door.h", '#include "../../../../host/value/value.h"\n'),
    ("who-may-include-whom", "host/value/up.cc", '#include "manifest/manifest.h"\n'),
    ("who-may-include-whom", "host/lanes/up.cc", '#include "pipeline/run.cc"\n'),
    ("who-may-include-whom", "host/pipeline/up.cc", '#include "cli/run_command.h"\n'),
    ("who-may-include-whom", "host/result.h", '#include "value/value.h"\n'),
    ("who-may-include-whom", "plugin-api/include/heddle/bad.h", "#include <vector>\n"),
    ("who-may-include-whom", "plugin-api/include/heddle/bad.h", "#include <unistd.h>\n"),
    ("unknown-library", "host/value/new.cc", "#include <nlohmann/json.hpp>\n"),
    ("one-library-one-place", "host/plugin/note2.cc", "#include <libelf.h>\n"),
    ("one-library-one-place", "host/pipeline/note.cc", "#include <boost/dll/import.hpp>\n"),
    ("one-library-one-place", "host/pipeline/loop.cc", "#include <boost/asio.hpp>\n"),
    ("one-library-one-place", "host/pipeline/text.cc", "#include <rapidjson/reader.h>\n"),
    ("one-library-one-place", "host/manifest/fast.cc", "#include <simdjson.h>\n"),
    ("one-library-one-place", "plugins/node_std/filter.cc", "#include <jq.h>\n"),
    ("one-library-one-place", "plugins/node_std/gz.cc", "#include <zlib.h>\n"),
    ("one-library-one-place", "plugins/chain_evm/hash.cc", "#include <cryptopp/keccak.h>\n"),
    ("one-library-one-place", "plugins/chain_evm/sign.cc", "#include <secp256k1_recovery.h>\n"),
    ("one-library-one-place", "plugins/chain_evm/fees.cc", "#include <boost/multiprecision/cpp_int.hpp>\n"),
    ("who-may-include-whom", "tests/e2e/jq_test.cc", '#include "plugins/node_jq/state.h"\n'),
    ("one-library-one-place", "host/pipeline/args.cc", "#include <CLI/CLI.hpp>\n"),
    ("one-library-one-place", "host/pipeline/say.cc", "#include <spdlog/spdlog.h>\n"),
    ("one-library-one-place", "host/pipeline/schema.cc", "#include <valijson/schema.hpp>\n"),
    ("one-library-one-place", "host/value/value.cc", "#include <gtest/gtest.h>\n"),
    ("library-leaks", "host/value/tree.h", "#include <rapidjson/document.h>\n"),
    ("too-long", "host/value/long.cc", "\n" * 601),
    ("forbidden-name", "host/value/value_manager.cc", "\n"),
    ("forbidden-name", "host/value/a.cc", "namespace heddle { class ValueHandler {}; }\n"),
    ("forbidden-name", "host/value/a.cc", "struct Impl;\n"),
    ("forbidden-name", "host/value/a.cc", "struct value_service {};\n"),
    ("forbidden-name", "host/value/a.cc", "namespace heddle::util {}\n"),
    ("catch-all", "host/value/a.cc", "void f() { try { } catch ( ... ) { } }\n"),
    ("catch-all", "plugins/node_std/a.cc", "void f() { try { } catch (...) { } }\n"),
    ("sleep", "host/lanes/a.cc", "void f() { std::this_thread::sleep_for(x); }\n"),
    ("sleep", "host/lanes/a_test.cc", "void f() { ::sleep(5); }\n"),
    ("detach", "host/lanes/a.cc", "void f(std::thread& t) { t.detach(); }\n"),
    ("unfinished", "host/lanes/a.cc", "// TODO write it\n"),
    ("glob", "host/lanes/CMakeLists.txt", "file(GLOB sources *.cc)\n"),
    ("one-name-one-type", "host/value/two.h", "#pragma once\nnamespace heddle {\nstruct OfThat {\n};\n}\n"),
    ("folder", "tools/x.cc", "\n"),
    ("folder", "host/other/x.cc", "\n"),
    ("folder", "plugins/std/x.cc", "\n"),
]


def write(root, files):
    for path, text in files.items():
        full = os.path.join(root, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as file:
            file.write(text)


class Planted(unittest.TestCase):
    def rules(self, extra):
        with tempfile.TemporaryDirectory() as root:
            write(root, {**CLEAN, **extra})
            return {(v.rule, v.path) for v in layering.check(root)}

    def test_a_clean_tree_has_no_violation(self):
        self.assertEqual(self.rules({}), set())

    def test_every_planted_violation_is_found_and_nothing_else(self):
        for rule, path, text in PLANTED:
            extra = {path: text}
            if "cli/run_command.h" in text:
                extra["host/cli/run_command.h"] = "#pragma once\n"
            if rule == "library-leaks":
                extra["host/pipeline/uses.cc"] = '#include "value/tree.h"\n'
                path = "host/pipeline/uses.cc"
            if rule == "one-name-one-type":
                extra["host/lanes/one.h"] = "#pragma once\nnamespace heddle {\nstruct OfThat { int x = 0; };\n}\n"
            with self.subTest(rule=rule, path=path, text=text[:40]):
                self.assertEqual(self.rules(extra), {(rule, path)})


if __name__ == "__main__":
    unittest.main()
