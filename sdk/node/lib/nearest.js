'use strict';
// What a word was probably meant to be.

const LONGEST_WORD = 64; // a longer one is not a slip of the hand, and its distance would cost too much

// Damerau-Levenshtein: insertions, deletions, replacements and swaps of neighbours.
function distanceOf(a, b) {
  let before = [], last = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; ++i) {
    const row = [i];
    for (let j = 1; j <= b.length; ++j) {
      row.push(Math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1)));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) row[j] = Math.min(row[j], before[j - 2] + 1);
    }
    before = last;
    last = row;
  }
  return last[b.length];
}

/** The candidate that is nearest to `word`, or null where none is near. */
function nearest(word, candidates) {
  if (!word || word.length > LONGEST_WORD) return null;
  let best = null, limit = Math.max(1, Math.floor(word.length / 3));
  for (const candidate of candidates) {
    if (!candidate || candidate.length > LONGEST_WORD || Math.abs(candidate.length - word.length) > limit) continue;
    const distance = distanceOf(word.toLowerCase(), candidate.toLowerCase());
    if (distance <= limit && distance < Math.max(word.length, candidate.length)) {
      best = candidate;
      limit = distance - 1; // only a nearer one replaces it
    }
  }
  return best;
}

/** `; did you mean "x"?`, or nothing. */
function suggestion(word, candidates) {
  const near = nearest(word, candidates);
  return near ? `; did you mean "${near}"?` : '';
}

module.exports = { nearest, suggestion };
