"""Values as Solidity's contracts take and give them, by the types of a signature: the ABI of its specification, as much of it as the tests need.

uintN and intN are int, bool is bool, address and bytesN are "0x…", bytes is bytes, string is str, arrays and tuples are lists.
"""

WORD = 32


def types_of(signature):
    """"f(uint8,(bytes,bool)[])" → ["uint8", "(bytes,bool)[]"]; the name may be absent."""
    inner, depth, found, start = signature[signature.index("(") + 1:-1], 0, [], 0
    for at, c in enumerate(inner):
        depth += (c == "(") - (c == ")")
        if c == "," and depth == 0:
            found.append(inner[start:at])
            start = at + 1
    return found + [inner[start:]] if inner else []


def _array(kind):
    """"T[3]" → ("T", 3), "T[]" → ("T", None); None: no array."""
    if not kind.endswith("]"):
        return None
    element, length = kind[:-1].rsplit("[", 1)
    return element, int(length) if length else None


def _is_dynamic(kind):
    array = _array(kind)
    if array:
        return array[1] is None or _is_dynamic(array[0])
    return kind in ("bytes", "string") or (kind.startswith("(") and any(map(_is_dynamic, types_of(kind))))


def _head_size(kind):
    array = _array(kind)
    if _is_dynamic(kind):
        return WORD
    if array:
        return array[1] * _head_size(array[0])
    return sum(map(_head_size, types_of(kind))) if kind.startswith("(") else WORD


def encode(types, values):
    assert len(types) == len(values), f"{len(values)} values for {types}"
    encoded = [_encode_one(kind, value) for kind, value in zip(types, values)]
    heads, tail = [], b""
    tails_at = sum(map(_head_size, types))
    for kind, data in zip(types, encoded):
        if _is_dynamic(kind):
            heads.append((tails_at + len(tail)).to_bytes(WORD, "big"))
            tail += data
        else:
            heads.append(data)
    return b"".join(heads) + tail


def _encode_one(kind, value):
    array = _array(kind)
    if array:
        count = b"" if array[1] is not None else len(value).to_bytes(WORD, "big")
        return count + encode([array[0]] * len(value), value)
    if kind.startswith("("):
        return encode(types_of(kind), value)
    if kind in ("bytes", "string"):
        data = value.encode() if kind == "string" else value
        return len(data).to_bytes(WORD, "big") + data + bytes(-len(data) % WORD)
    if kind == "address":
        return bytes.fromhex(value[2:]).rjust(WORD, b"\0")
    if kind.startswith("bytes"):
        return bytes.fromhex(value[2:]).ljust(WORD, b"\0")
    return int(value).to_bytes(WORD, "big", signed=kind.startswith("int"))


def decode(types, data):
    values, at = [], 0
    for kind in types:
        place = int.from_bytes(data[at:at + WORD], "big") if _is_dynamic(kind) else at
        values.append(_decode_one(kind, data[place:]))
        at += _head_size(kind)
    return values


def _decode_one(kind, data):
    array = _array(kind)
    if array:
        length = array[1]
        if length is None:
            length, data = int.from_bytes(data[:WORD], "big"), data[WORD:]
        return decode([array[0]] * length, data)
    if kind.startswith("("):
        return decode(types_of(kind), data)
    word = data[:WORD]
    if kind in ("bytes", "string"):
        content = data[WORD:WORD + int.from_bytes(word, "big")]
        return content.decode() if kind == "string" else content
    if kind == "address":
        return "0x" + word[12:].hex()
    if kind.startswith("bytes"):
        return "0x" + word[:int(kind[5:])].hex()
    if kind == "bool":
        return any(word)
    return int.from_bytes(word, "big", signed=kind.startswith("int"))
