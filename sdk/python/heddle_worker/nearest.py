"""What a word was probably meant to be."""

_LONGEST_WORD = 64  # a longer one is not a slip of the hand, and its distance would cost too much


def _distance(a, b):
    """Damerau-Levenshtein: insertions, deletions, replacements and swaps of neighbours."""
    before, last = [], list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        row = [i]
        for j, y in enumerate(b, 1):
            row.append(min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (x != y)))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                row[j] = min(row[j], before[j - 2] + 1)
        before, last = last, row
    return last[-1]


def nearest(word, candidates):
    """The candidate that is nearest to `word`, or None where none is near."""
    if not word or len(word) > _LONGEST_WORD:
        return None
    best, limit = None, max(1, len(word) // 3)
    for candidate in candidates:
        if not candidate or len(candidate) > _LONGEST_WORD or abs(len(candidate) - len(word)) > limit:
            continue
        distance = _distance(word.lower(), candidate.lower())
        if distance <= limit and distance < max(len(word), len(candidate)):
            best, limit = candidate, distance - 1  # only a nearer one replaces it
    return best


def suggestion(word, candidates):
    """`; did you mean "x"?`, or nothing."""
    near = nearest(word, candidates)
    return f'; did you mean "{near}"?' if near else ""
