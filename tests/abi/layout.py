"""The layout of the ABI, against the stored one: what was promised may grow at its end, and never change.

layout.py INCLUDE_FOLDER CC GOLDEN         compares; the exit code says
layout.py INCLUDE_FOLDER CC GOLDEN --write stores what is there now: only to be done when members were appended on purpose

The list has one line per member of every struct ("struct heddle_str member 0 8 const char *ptr"), per constant, type name and id. Headers below draft/ promise
nothing and are left out. Sizes and offsets come from the compiler, by a small C program that this script writes; the
stored ones are those of a 64-bit machine.
"""
import pathlib
import re
import subprocess
import sys
import tempfile

STRUCT = re.compile(r"struct (heddle_\w+) \{(.*?)\n\}", re.S)
NAME = re.compile(r"\(\*(\w+)\)|(\w+)(?:\[\w*\])?$")
CONSTANT = re.compile(r"\b(HEDDLE_[A-Z0-9_]+)\s*=\s*-?\d+")
TYPEDEF = re.compile(r"^typedef ([^{};]+);", re.M)
DEFINE = re.compile(r'^#define (HEDDLE_\w+)\s+("[^"]+"|\d+u)$', re.M)


def without_comments(text):
    return re.sub(r"/\*.*?\*/", "", text, flags=re.S)


def members(body):
    """(name, declaration) of each member. One declaration per line of the source may name several: `uint32_t a, b;`"""
    for declaration in body.split(";"):
        declaration = " ".join(declaration.split())
        if not declaration:
            continue
        parts = [declaration] if "(" in declaration else declaration.split(",")
        for part in parts:
            found = NAME.search(part.strip()) if "(*" not in part else NAME.search(part)
            yield found.group(1) or found.group(2), declaration


def c_string(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%") + '"'


def program(headers):
    lines = ["#include <heddle/heddle.h>", "#include <stdio.h>", "int main(void) {"]
    for header in headers:
        text = without_comments(header.read_text())
        for struct, body in STRUCT.findall(text):
            for name, declaration in members(body):
                lines.append(f'printf("struct {struct} %zu %zu ", offsetof({struct}, {name}), sizeof((({struct} *)0)->{name}));')
                lines.append(f"puts({c_string(declaration)});")
        for name in CONSTANT.findall(text):
            lines.append(f'printf("constant {name} %lld\\n", (long long){name});')
        for meaning in TYPEDEF.findall(text):
            lines.append(f"puts({c_string('typedef ' + ' '.join(meaning.split()))});")
        for name, value in DEFINE.findall(text):
            # The minor grows with every release; all else stays.
            if name != "HEDDLE_ABI_MINOR":
                lines.append(f"puts({c_string(f'define {name} {value}')});")
    return "\n".join(lines + ["return 0;", "}"])


def current_layout(include, cc):
    headers = sorted(pathlib.Path(include, "heddle").glob("*.h"))
    with tempfile.TemporaryDirectory() as folder:
        source, binary = pathlib.Path(folder, "layout.c"), pathlib.Path(folder, "layout")
        source.write_text(program(headers))
        subprocess.run([cc, "-std=c11", f"-I{include}", str(source), "-o", str(binary)], check=True)
        return subprocess.run([str(binary)], check=True, capture_output=True, text=True).stdout.splitlines()


def by_struct(lines):
    structs, others = {}, set()
    for line in lines:
        words = line.split(" ", 2)
        if words[0] == "struct":
            structs.setdefault(words[1], []).append(words[2])
        else:
            others.add(line)
    return structs, others


def broken_promises(golden, current):
    """One sentence per promise of `golden` that `current` does not keep."""
    old_structs, old_others = by_struct(golden)
    new_structs, new_others = by_struct(current)
    for struct, old in old_structs.items():
        new = new_structs.get(struct, [])
        for i, member in enumerate(old):
            if i >= len(new) or new[i] != member:
                yield f"{struct}: promised is \"{member}\", there is \"{new[i] if i < len(new) else 'nothing'}\""
    for line in sorted(old_others - new_others):
        yield f"gone or changed: {line}"


def main():
    include, cc, golden_file = sys.argv[1:4]
    current = current_layout(include, cc)
    if "--write" in sys.argv:
        pathlib.Path(golden_file).write_text("\n".join(current) + "\n")
        return 0
    golden = pathlib.Path(golden_file).read_text().splitlines()
    promises = list(broken_promises(golden, current))
    for promise in promises:
        print(promise, file=sys.stderr)
    print(f"{len(golden)} promises, {len(promises)} broken; {len(current) - len(golden)} lines were appended since")
    return 1 if promises else 0


if __name__ == "__main__":
    sys.exit(main())
