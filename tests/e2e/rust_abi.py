"""The ABI as sdk/rust has written it down, against that of the headers: offsets, sizes, names and signatures.

A struct that begins with its size may know fewer members than the headers: they were appended later. Nothing else may differ.
"""
import re

SCALARS = {"char": "c_char", "void": "c_void", "bool": "bool", "double": "f64", "size_t": "usize",
           "int32_t": "i32", "int64_t": "i64", "uint32_t": "u32", "uint64_t": "u64"}
FUNCTION = re.compile(r"(.*?)\(\*(\w+)\)\((.*)\)")


def rust_type(words):
    """["const", "char", "*"] → "*constc_char": what a C type is in Rust, without spaces."""
    base = next(w for w in words if w not in ("const", "struct", "*"))
    made, constant = SCALARS.get(base, base), "const" in words[:words.index(base) + 1]
    for i, word in enumerate(words):
        if word == "*":
            made = ("*const" if constant else "*mut") + made
            constant = words[i + 1:i + 2] == ["const"]
    return made


def words_of(text):
    return re.findall(r"\w+|\*", text)


def parameter(text):
    *of, name = words_of(text)
    return f"{'self_' if name == 'self' else name}:{rust_type(of)}"


def rust_declaration(declaration):
    """The Rust of a C member's declaration, without its name."""
    found = FUNCTION.match(declaration)
    if not found:
        return rust_type(words_of(declaration)[:-1])
    answer, _, parameters = found.groups()
    listed = "" if parameters.strip() == "void" else ",".join(parameter(p) for p in parameters.split(","))
    answer = "" if words_of(answer) == ["void"] else "->" + rust_type(words_of(answer))
    return f'unsafeextern"C"fn({listed}){answer}'


def of_headers(lines):
    """What tests/abi/layout.py says: (struct → members, name → constant)."""
    structs, constants = {}, {}
    for line in lines:
        if line.startswith("struct "):
            _, struct, offset, size, declaration = line.split(" ", 4)
            function = FUNCTION.match(declaration)
            name = function.group(2) if function else words_of(declaration)[-1]
            structs.setdefault(struct, []).append((name, offset, size, rust_declaration(declaration)))
        elif line.startswith(("constant ", "define ")):
            _, name, value = line.split(" ", 2)
            constants[name] = value.strip('"') if '"' in value else value.rstrip("u")
    return structs, constants


def of_rust(lines):
    """What sdk/rust/examples/layout.rs says, in the same form. Whether a slot may be null, C does not say."""
    structs, constants = {}, {}
    for line in lines:
        if line.startswith("struct "):
            _, struct, name, offset, size, declared = line.split(" ", 5)
            structs.setdefault(struct, []).append((name, offset, size, re.sub(r"^Option<(.*)>$", r"\1", declared)))
        else:
            _, name, value = line.split(" ", 2)
            constants[name] = value
    return structs, constants


def differences(header_lines, rust_lines):
    """One sentence each."""
    (theirs, their_constants), (ours, our_constants) = of_headers(header_lines), of_rust(rust_lines)
    for struct, members in ours.items():
        promised = theirs.get(struct, [])
        for i, member in enumerate(members):
            if i >= len(promised) or promised[i] != member:
                yield f"{struct}: the headers have {promised[i] if i < len(promised) else 'nothing'}, sdk/rust/src/abi.rs has {member}"
        if members[0][0] != "struct_size" and len(members) != len(promised):
            yield f"{struct}: the headers have {len(promised)} members, sdk/rust/src/abi.rs has {len(members)}"
    for name, value in our_constants.items():
        if their_constants.get(name) != value:
            yield f"{name}: the headers have {their_constants.get(name)}, sdk/rust/src/abi.rs has {value}"
