#!/usr/bin/env python3
"""The house rules that a machine can check: who may include whom, where each library lives, names, sizes, forbidden calls.

Usage: layering.py ROOT      prints one line per violation, "path:line: rule: what"; exit 1 if there are any.
"""
import collections
import os
import re
import sys

# --- The tables -------------------------------------------------------------------------------------------------------------------

TOP_LEVEL = {
    "CMakeLists.txt", "CMakePresets.json", "README.md", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE", ".clang-format", ".clang-tidy",
    ".gitignore", ".gitattributes", ".ci", "plugin-api", "sdk", "host", "plugins", "manifests", "tests", "packaging",
}
HOST_FOLDERS = {"cli", "check", "value", "manifest", "plugin", "lanes", "pipeline", "resilience", "chain", "serve"}
TEST_FOLDERS = {"abi", "chain", "e2e", "conformance", "broken", "fuzz", "bench", "layering"}

GROUND = {"host"}  # host/{result,log,clock}: what lies in the open
MAY_INCLUDE = {
    "plugin-api": set(),
    "sdk": {"plugin-api"},
    "plugins": {"sdk", "plugin-api"},
    "host": set(),
    "host/value": GROUND | {"plugin-api"},
    "host/lanes": GROUND | {"host/value"},
    "host/manifest": GROUND | {"host/value"},
    "host/resilience": GROUND | {"host/value"},
    "host/plugin": GROUND | {"host/value", "host/lanes", "host/manifest", "host/resilience", "plugin-api"},
    "host/pipeline": GROUND | {"host/plugin", "host/manifest", "host/lanes", "host/value", "host/resilience", "plugin-api"},
    "host/check": GROUND | {"host/pipeline", "host/plugin", "host/manifest", "host/lanes", "host/value", "host/resilience", "plugin-api"},
    "host/chain": GROUND | {"host/pipeline", "host/plugin", "host/lanes", "host/value", "host/resilience"},
    "host/serve": GROUND | {"host/" + f for f in HOST_FOLDERS - {"cli", "serve", "check"}} | {"plugin-api"},
    "host/cli": GROUND | {"host/" + f for f in HOST_FOLDERS - {"cli"}} | {"plugin-api"},
    "host/main": GROUND | {"host/" + f for f in HOST_FOLDERS} | {"plugin-api"},
    "tests": GROUND | {"host/" + f for f in HOST_FOLDERS} | {"plugin-api", "sdk"},
    "tests/fuzz": GROUND | {"host/" + f for f in HOST_FOLDERS} | {"plugin-api", "sdk", "plugins"},  # what a plugin reads from outside
}

# Library: (headers, the places that may include it). A place ending in "/" is a folder, else one file. tests/ may use what it measures.
LIBRARIES = {
    "Boost.DLL": (r"boost/dll", ["host/plugin/library.cc"]),
    "Boost.Asio": (r"boost/asio", ["host/lanes/", "plugins/chain_evm/network.cc", "tests/bench/"]),
    "Boost.Beast": (r"boost/beast", ["plugins/chain_evm/network.cc"]),
    "RapidJSON": (r"rapidjson/", ["host/value/", "host/manifest/", "tests/"]),
    "simdjson": (r"simdjson", ["host/value/", "tests/bench/"]),
    "mimalloc": (r"mimalloc", ["host/value/"]),
    "valijson": (r"valijson/", ["host/manifest/", "host/pipeline/"]),
    "yaml-cpp": (r"yaml-cpp/", ["host/manifest/yaml.cc"]),
    "CLI11": (r"CLI/", ["host/cli/"]),
    "libcurl": (r"curl/", ["host/cli/host_client.cc", "plugins/node_remote/fetch.cc", "plugins/broker_http/"]),
    "spdlog": (r"spdlog/", ["host/log.cc"]),
    "fmt": (r"fmt/", ["host/log.cc", "host/cli/"]),
    "libelf": (r"(libelf|gelf)\.h$", ["host/plugin/elf_links.cc", "host/plugin/elf_note.cc"]),
    "libmd": (r"^sha2\.h$", ["host/plugin/file_digest.cc"]),
    "libjq": (r"(jq|jv)\.h$", ["plugins/node_jq/"]),
    "SQLite3": (r"sqlite3", ["plugins/store_sqlite/", "tests/"]),
    "zlib": (r"zlib\.h$", ["plugins/node_file/"]),
    "prometheus-cpp": (r"prometheus/", ["host/serve/metrics_text.cc"]),
    "cpp-httplib": (r"httplib\.h$", ["plugins/transport_http/", "plugins/sidecar_rest/", "tests/bench/"]),
    "gRPC": (r"grpc(pp)?/", ["plugins/transport_grpc/", "plugins/sidecar_grpc/", "tests/bench/"]),
    "protobuf": (r"google/protobuf/|.*\.pb\.h$", ["plugins/transport_grpc/", "plugins/sidecar_grpc/", "tests/bench/"]),
    "OpenSSL": (r"openssl/", ["plugins/transport_http/", "plugins/broker_s3/", "plugins/chain_evm/keystore.cc"]),
    "libsecp256k1": (r"secp256k1", ["plugins/chain_evm/curve.cc"]),
    "Crypto++": (r"(cryptopp|crypto\+\+)/", ["plugins/chain_evm/keccak.cc", "plugins/chain_evm/scrypt.cc"]),
    "Boost.Multiprecision": (r"boost/multiprecision/", ["plugins/chain_evm/amount.cc"]),
    "GoogleTest": (r"(gtest|gmock)/", ["*_test.cc", "tests/"]),
    "Google Benchmark": (r"benchmark/", ["tests/bench/"]),
}
ONE_FILE_ONLY = {"valijson"}

C_HEADERS = {
    "assert", "complex", "ctype", "errno", "fenv", "float", "inttypes", "iso646", "limits", "locale", "math", "setjmp", "signal",
    "stdalign", "stdarg", "stdatomic", "stdbool", "stddef", "stdint", "stdio", "stdlib", "stdnoreturn", "string", "tgmath", "threads",
    "time", "uchar", "wchar", "wctype",
}
SYSTEM = re.compile(  # the C library of Linux beyond C itself, and what the compiler brings
    r"^(sys/\w+|linux/\w+|arpa/inet|netinet/\w+|netdb|unistd|fcntl|dlfcn|link|elf|poll|pthread|sched|spawn|semaphore|termios|dirent|glob|fnmatch|libgen|pwd|grp|"
    r"getopt|sysexits|xlocale|langinfo|strings|malloc|ucontext|execinfo|cxxabi|x86intrin|immintrin|xmmintrin|pmmintrin|emmintrin|"
    r"sanitizer/\w+|bits/\w+)\.h$")

SIZE_LIMIT = 600
FORBIDDEN_WORDS = {"manager", "helper", "util", "utils", "common", "misc", "base", "impl", "handler", "processor", "wrapper", "engine",
                   "service"}
NAME_EXCEPTIONS = [  # (path, name): the ABI's own word for a table fetched by id, and words of others
    (r"^plugin-api/", r"^heddle_\w+_service$"),
    (r"^sdk/cpp/", r"^Service$"),
    (r"^host/value/service\.(h|cc)$", r"^service$"),
    (r"^tests/chain/contracts/", r"^WorkflowEngine$"),  # so it is called in the field
    (r"^packaging/debian/", r"^heddle-plugins-base$"),  # a package's name
    (r"^host/plugin/\w*services?\.(h|cc)$", r"^\w*services?$"),
]

CODE = (".h", ".cc", ".c", ".cpp", ".hpp")
SIZED = CODE + (".rs", ".py", ".cmake", ".txt", ".sh", ".in")
SKIPPED_FOLDERS = {".git", ".cache", "build", "__pycache__", "corpus", "node_modules", "target"}

FORBIDDEN_CODE = [  # (rule, pattern, where it does not count)
    ("catch-all", re.compile(r"\bcatch\s*\(\s*\.\.\.\s*\)"), re.compile(r"^(sdk/|host/main\.cc$)")),
    ("sleep", re.compile(r"\b(sleep_for|sleep_until|usleep|nanosleep|clock_nanosleep)\s*\(|(?<!sdk::)(?<!\w)::sleep\s*\("), re.compile(r"^tests/broken/")),
    ("detach", re.compile(r"[.>]\s*detach\s*\("), re.compile(r"$^")),
]
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")

# --- Reading ----------------------------------------------------------------------------------------------------------------------

Include = collections.namedtuple("Include", "line name quoted")
Violation = collections.namedtuple("Violation", "path line rule text")


def files_of(root):
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(f for f in folders if f not in SKIPPED_FOLDERS)
        for name in sorted(names):
            yield os.path.relpath(os.path.join(folder, name), root)


def without_comments(text):
    """Code with comments and the inside of literals blanked, line numbers kept."""
    token = re.compile(r'//[^\n]*|/\*.*?\*/|R"(?P<d>[^(\s]*)\(.*?\)(?P=d)"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)

    def blank(match):
        found = match.group(0)
        if found.startswith("'") and re.search(r"\w$", text[:match.start()][-1:]):
            return found  # a digit separator: 1'000
        return re.sub(r"[^\n]", " ", found)
    return token.sub(blank, text)


def includes_of(text):
    # Comments go, the quoted names stay.
    text = re.sub(r"//[^\n]*|/\*.*?\*/", lambda m: re.sub(r"[^\n]", " ", m.group(0)), text, flags=re.S)
    for number, line in enumerate(text.split("\n"), 1):
        match = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
        if match:
            yield Include(number, match.group(2), match.group(1) == '"')


def layer_of(path):
    parts = path.split("/")
    if parts[0] == "host":
        if path == "host/main.cc":
            return "host/main"
        return "host/" + parts[1] if len(parts) > 2 else "host"
    if path.startswith("tests/fuzz/"):
        return "tests/fuzz"
    return parts[0]


def area_of(path):
    """The folder whose parts may see each other: one plugin, one folder of host/, the SDK."""
    parts = path.split("/")
    return "/".join(parts[:2]) if parts[0] == "plugins" else layer_of(path)


def library_of(name):
    for library, (pattern, _) in LIBRARIES.items():
        if re.match(pattern, name):
            return library
    return None


def is_standard(name):
    stem = name[:-2] if name.endswith(".h") else None
    return (stem in C_HEADERS) if stem else bool(re.fullmatch(r"[a-z_0-9]+", name))


class Tree:
    def __init__(self, root):
        self.root = root
        self.paths = list(files_of(root))
        self.known = set(self.paths)
        self.code = {p: self.read(p) for p in self.paths if p.endswith(CODE)}
        self.includes = {p: list(includes_of(t)) for p, t in self.code.items()}

    def read(self, path):
        with open(os.path.join(self.root, path), encoding="utf-8", errors="replace") as file:
            return file.read()

    def resolve(self, path, include):
        """The file of the tree that is meant, or None."""
        candidates = [os.path.normpath(os.path.join(os.path.dirname(path), include.name))] if include.quoted else []
        if include.name.startswith("heddle/"):
            candidates += ["plugin-api/include/" + include.name, "sdk/cpp/include/" + include.name]
        if layer_of(path).startswith("host") or path.startswith("tests/"):
            candidates.append("host/" + include.name)
        candidates += [include.name, "sdk/cpp/" + include.name, "sdk/cpp/include/" + include.name]
        return next((c for c in candidates if c in self.known), None)


# --- Checking ---------------------------------------------------------------------------------------------------------------------

def check_includes(tree):
    for path, includes in tree.includes.items():
        layer = layer_of(path)
        for include in includes:
            def bad(rule, text):
                return Violation(path, include.line, rule, text)
            target = tree.resolve(path, include)
            if target:
                target_layer = layer_of(target)
                if area_of(target) == area_of(path):
                    continue
                if layer == "plugins" and target_layer == "plugins":
                    yield bad("who-may-include-whom", f"a plugin includes another plugin's {target}")
                elif target_layer not in MAY_INCLUDE.get(layer, set()):
                    yield bad("who-may-include-whom", f"{layer} may not include {target_layer} ({include.name})")
                continue
            library = library_of(include.name)
            if library:
                yield from check_library(path, include, library)
            elif is_standard(include.name):
                if layer == "plugin-api" and not include.name.endswith(".h"):
                    yield bad("who-may-include-whom", f"plugin-api is C11: <{include.name}> is no C header")
            elif SYSTEM.match(include.name):
                if layer == "plugin-api":
                    yield bad("who-may-include-whom", f"plugin-api may include C headers only, not <{include.name}>")
            elif include.quoted:
                yield bad("unknown-include", f'"{include.name}" is not in what this folder may see')
            else:
                yield bad("unknown-library", f"<{include.name}> has no place in the table of libraries")


def check_library(path, include, library):
    for place in LIBRARIES[library][1]:
        if (place.startswith("*") and path.endswith(place[1:])) or path == place or (place.endswith("/") and path.startswith(place)):
            return
    yield Violation(path, include.line, "one-library-one-place", f"{library} may be used in {', '.join(LIBRARIES[library][1])} only")


def check_one_file(tree):
    users = collections.defaultdict(list)
    for path, includes in tree.includes.items():
        for library in {library_of(i.name) for i in includes if not tree.resolve(path, i)} & ONE_FILE_ONLY:
            users[library].append(path)
    for library, paths in users.items():
        for path in paths[1:]:
            yield Violation(path, 1, "one-library-one-place", f"{library} is in {paths[0]} already")


def check_leaks(tree):
    """No library comes in through a header that another folder includes."""
    brings = {}

    def libraries_behind(path, seen):
        if path in brings:
            return brings[path]
        found = set()
        for include in tree.includes.get(path, []):
            target = tree.resolve(path, include)
            if target and target not in seen:
                found |= libraries_behind(target, seen | {target})
            elif not target and library_of(include.name):
                found.add(library_of(include.name))
        if not seen - {path}:
            brings[path] = found
        return found

    for path, includes in tree.includes.items():
        if path.startswith("tests/"):
            continue
        for include in includes:
            target = tree.resolve(path, include)
            if target and area_of(target) != area_of(path):
                for library in sorted(libraries_behind(target, {target})):
                    yield Violation(path, include.line, "library-leaks", f"{library} comes in through {target}")


def words_of(name):
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[_\-.]", " ", name)
    return {w.lower() for w in spaced.split()}


def check_names(tree):
    def wrong(path, line, name):
        if any(re.search(p, path) and re.search(n, name) for p, n in NAME_EXCEPTIONS):
            return
        for word in sorted(words_of(name) & FORBIDDEN_WORDS):
            yield Violation(path, line, "forbidden-name", f'"{name}": the house does not use "{word}"')

    for path in tree.paths:
        parts = path.split("/")
        for part in parts[:-1]:
            yield from wrong(path, 1, part)
        yield from wrong(path, 1, parts[-1].split(".")[0])
    declared = re.compile(r"\b(?:class|struct|union|enum(?:\s+class)?|namespace|concept)\s+(?:\[\[\w+\]\]\s*|HEDDLE_\w+\s+)?(\w+(?:::\w+)*)"
                          r"|\busing\s+(\w+)\s*=|#\s*define\s+(\w+)")
    for path, text in tree.code.items():
        code = without_comments(text)
        for match in declared.finditer(code):
            name = next(g for g in match.groups() if g)
            yield from wrong(path, code.count("\n", 0, match.start()) + 1, name.split("::")[-1])


def check_one_name_one_type(tree):
    """Two headers of the host that define types of one name: what the linker keeps of their templates is that of one of them."""
    defined = re.compile(r"^(?:class|struct|union)\s+(\w+)(?:\s+final)?\s*(?::(?!:)[^;{]*)?\{", re.MULTILINE)  # at the beginning of a line: of the namespace itself
    where = {}
    for path, text in sorted(tree.code.items()):
        if not path.startswith("host/") or not path.endswith(".h"):
            continue
        code = without_comments(text)
        for match in defined.finditer(code):
            first = where.setdefault(match.group(1), path)
            if first != path:
                yield Violation(path, code.count("\n", 0, match.start()) + 1, "one-name-one-type", f"{match.group(1)} is in {first} already")


def check_text(tree):
    for path in tree.paths:
        if not path.endswith(SIZED) or path == "tests/layering/layering.py":
            continue
        text = tree.read(path)
        lines = text.count("\n")
        if lines > SIZE_LIMIT:
            yield Violation(path, lines, "too-long", f"{lines} lines: split at {SIZE_LIMIT}")
        for number, line in enumerate(text.split("\n"), 1):
            if UNFINISHED.search(line) and not path.startswith("tests/layering/"):
                yield Violation(path, number, "unfinished", line.strip()[:80])
            if path.endswith(("CMakeLists.txt", ".cmake")) and re.match(r"\s*file\s*\(\s*GLOB", line):
                yield Violation(path, number, "glob", "sources are listed by hand")
    for path, text in tree.code.items():
        code = without_comments(text)
        for rule, pattern, elsewhere in FORBIDDEN_CODE:
            if elsewhere.search(path):
                continue
            for match in pattern.finditer(code):
                yield Violation(path, code.count("\n", 0, match.start()) + 1, rule, match.group(0).strip())


def check_folders(tree):
    for path in tree.paths:
        parts = path.split("/")
        if parts[0] not in TOP_LEVEL:
            yield Violation(path, 1, "folder", f"{parts[0]} does not belong at the top")
        elif parts[0] == "host" and len(parts) > 2 and parts[1] not in HOST_FOLDERS:
            yield Violation(path, 1, "folder", f"host/ has no {parts[1]}")
        elif parts[0] == "tests" and len(parts) > 2 and parts[1] not in TEST_FOLDERS:
            yield Violation(path, 1, "folder", f"tests/ has no {parts[1]}")
        elif parts[0] == "plugins" and len(parts) > 2 and not re.match(r"(node|transport|sidecar|chain|store|broker)_\w+$", parts[1]):
            yield Violation(path, 1, "folder", f"a plugin's folder is <kind>_<name>, not {parts[1]}")


CHECKS = [check_folders, check_includes, check_one_file, check_leaks, check_names, check_one_name_one_type, check_text]


def check(root):
    tree = Tree(root)
    return sorted({v for run in CHECKS for v in run(tree)})


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    violations = check(sys.argv[1])
    for v in violations:
        print(f"{v.path}:{v.line}: {v.rule}: {v.text}")
    print(f"{len(violations)} violations")
    sys.exit(1 if violations else 0)


if __name__ == "__main__":
    main()
