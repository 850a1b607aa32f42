"""Versions and ranges of them, as semver orders them. Missing parts of a version are 0: "1.1" is 1.1.0."""
import re

_VERSION = re.compile(r"v?(\d{1,9})(?:\.(\d{1,9}))?(?:\.(\d{1,9}))?(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?")
_PART = re.compile(r"(\^|~|>=|<=|>|<|=)?(.+)")
_WILD = re.compile(r"(?:(\d{1,9})\.)?(?:(\d{1,9})\.)?[xX*]")
_RELEASE, _BEFORE_ALL = (1,), (0,)
_LEAST, _MOST = ((0, 0, 0, _BEFORE_ALL), True), ((10 ** 9, 0, 0, _RELEASE), True)


def parse_version(text):
    """A key that orders as semver does, or None where the text is no version."""
    match = _VERSION.fullmatch(text) if len(text) <= 200 else None
    if not match:
        return None
    major, minor, patch, pre = match.groups()
    order = _RELEASE
    if pre:
        order = (0, tuple((0, int(one), "") if one.isdigit() and len(one) < 10 else (1, 0, one) for one in pre.split(".")))
    return int(major), int(minor or 0), int(patch or 0), order


def versions_meet(one, other):
    """Whether two ranges (min, max) have a version in common, both ends included; an empty end is open. ValueError: one is no version."""
    ends = []
    for text, otherwise in ((one[0], _LEAST), (other[0], _LEAST), (one[1], _MOST), (other[1], _MOST)):
        key = parse_version(text) if text else otherwise[0]
        if key is None:
            raise ValueError(f'"{text[:80]}" is not a version')
        ends.append(key)
    return max(ends[:2]) <= min(ends[2:])


class VersionRange:
    """What a handler says of versions: "1.0.0", "1.x", "^1.2", "~1.2.3", ">=1.0 <3", "*". ValueError: it says nothing of the kind."""

    def __init__(self, text):
        self.text = text
        self.low, self.high = _LEAST, _MOST  # (key, whether it is in the range itself)
        parts = re.sub(r"(\^|~|>=|<=|>|<|=)\s+", r"\1", text.replace(",", " ")).split()
        if not parts:
            raise ValueError("a version or a range of versions is empty")
        for part in parts:
            self._narrow(part)
        self.is_exact = self.low[0] == self.high[0]
        if self.low[0] > self.high[0]:
            raise ValueError(f'there is no version in "{text}"')

    def __contains__(self, key):
        (low, with_low), (high, with_high) = self.low, self.high
        return (low < key or (with_low and low == key)) and (key < high or (with_high and key == high))

    def _narrow(self, part):
        wild = _WILD.fullmatch(part)
        if wild:
            major, minor = wild.groups()
            if major is not None:
                self._between((int(major), int(minor or 0), 0, _RELEASE), _next(int(major), None if minor is None else int(minor)))
            return
        operator, text = _PART.fullmatch(part).groups()
        key = parse_version(text)
        if key is None:
            raise ValueError(f'"{part}" is neither a version nor a range of versions, such as 1.2.0, 1.x, ^1.2 or ">=1.0 <2.0"')
        if operator in ("^", "~"):
            self._between(key, _next(key[0], key[1] if operator == "~" or key[0] == 0 else None))
        if operator in (None, "=", ">", ">="):
            self.low = max(self.low, (key, operator != ">"), key=lambda end: (end[0], not end[1]))
        if operator in (None, "=", "<", "<="):
            before_all = operator == "<" and key[3] == _RELEASE  # below 2.0.0 is below its pre-releases, too
            self.high = min(self.high, ((*key[:3], _BEFORE_ALL) if before_all else key, operator != "<"))

    def _between(self, low, high):
        self.low, self.high = max(self.low, (low, True)), min(self.high, (high, False))


def _next(major, minor):
    return (major + 1, 0, 0, _BEFORE_ALL) if minor is None else (major, minor + 1, 0, _BEFORE_ALL)


def best_of(ranges, key):
    """The range that says the most of this version: an exact one, else the one that begins last, then the one that ends first. None: in none.

    Where `key` is None, any version will do, and the one that ends last is taken.
    """
    if key is None:
        return max(ranges, key=lambda one: (one.high, one.low), default=None)
    fitting = [one for one in ranges if key in one]
    if not fitting:
        return None
    strongest = max((one.is_exact, one.low) for one in fitting)
    return min((one for one in fitting if (one.is_exact, one.low) == strongest), key=lambda one: one.high)
