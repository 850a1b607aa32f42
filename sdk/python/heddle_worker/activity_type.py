"""The types of an activity spec: string, bool, int; []T, a list of any length; (T, T), a list of just these, or with names, (T a, T b), a map of just these."""
import re
from dataclasses import dataclass

from .nearest import suggestion

_MOST_TEXT, _MOST_DEPTH = 1_000, 16
_WORD = re.compile(r"[A-Za-z0-9_]*")


@dataclass(frozen=True)
class ActivityType:
    kind: str          # "string", "bool", "int", "list", "tuple"
    of: tuple = ()     # of a list, its one; of a tuple, each
    names: tuple = ()  # of a tuple: as many, or none

    def __str__(self):
        if self.kind == "list":
            return f"[]{self.of[0]}"
        if self.kind != "tuple":
            return self.kind
        return "(" + ", ".join(f"{one} {name}" if name else str(one) for one, name in zip(self.of, self.names or ("",) * len(self.of))) + ")"


def read_activity_type(text):
    """The type that the text means. ValueError says why, where it is none."""
    if len(text.encode("utf-8", "replace")) > _MOST_TEXT:
        raise ValueError(f"longer than {_MOST_TEXT} characters")
    return _TypeReader(text).read()


class _TypeReader:
    """By recursive descent; the text is short, and the depth bounded."""

    def __init__(self, text):
        self._rest = text

    def read(self):
        found = self._type(0)
        self._skip_blanks()
        if self._rest:
            raise ValueError(f'nothing may follow "{found}", but "{self._rest}" does')
        return found

    def _type(self, depth):
        if depth > _MOST_DEPTH:
            raise ValueError(f"nested more than {_MOST_DEPTH} deep")
        self._skip_blanks()
        if self._take("[]"):
            return ActivityType("list", (self._type(depth + 1),))
        if self._take("tuple(") or self._take("("):
            return self._tuple(depth)
        word = self._word()
        if word in ("string", "bool", "int"):
            return ActivityType(word)
        why = f'there is no type "{word}"' if word else "a type is missing"
        raise ValueError(why + (suggestion(word, ("string", "bool", "int")) or ": string, bool, int, []T, (T, T)"))

    def _tuple(self, depth):
        of, names = [], []
        while True:
            of.append(self._type(depth + 1))
            self._skip_blanks()
            name = self._word()
            if name in names:
                raise ValueError(f'"{name}" is twice in the tuple')
            names += [name] if name else []
            self._skip_blanks()
            if not self._take(","):
                break
        if not self._take(")"):
            raise ValueError('the tuple has no end: ")"')
        if names and len(names) != len(of):
            raise ValueError("all parts of a tuple have a name, or none")
        return ActivityType("tuple", tuple(of), tuple(names))

    def _skip_blanks(self):
        self._rest = self._rest.lstrip(" ")

    def _take(self, what):
        if not self._rest.startswith(what):
            return False
        self._rest = self._rest[len(what):]
        return True

    def _word(self):
        word = _WORD.match(self._rest).group()
        self._rest = self._rest[len(word):]
        return word
