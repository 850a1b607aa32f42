#include <algorithm>
#include <cctype>
#include <vector>

#include "manifest/diagnostic.h"

namespace heddle {
namespace {

constexpr size_t kLongestWord = 64;  // a longer name is not a slip of the hand, and its distance would cost too much

std::string lower(std::string_view word) {
  std::string out(word);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

// Damerau-Levenshtein: insertions, deletions, replacements and swaps of neighbours. More than `limit` is said as limit + 1.
size_t distance(std::string_view a, std::string_view b, size_t limit) {
  size_t rows[3][kLongestWord + 1];
  size_t *before = rows[0], *last = rows[1], *row = rows[2];
  for (size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    size_t least = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], before[j - 2] + 1);
      least = std::min(least, row[j]);
    }
    if (least > limit) return limit + 1;
    size_t* spare = before;
    before = last;
    last = row;
    row = spare;
  }
  return last[b.size()];
}

}  // namespace

std::string nearest(std::string_view word, const std::vector<std::string>& candidates) {
  if (word.empty() || word.size() > kLongestWord) return {};
  const std::string wanted = lower(word);
  size_t limit = std::max<size_t>(1, wanted.size() / 3);
  const std::string* best = nullptr;
  for (const std::string& candidate : candidates) {
    const size_t longer = std::max(candidate.size(), wanted.size()), shorter = std::min(candidate.size(), wanted.size());
    if (candidate.empty() || candidate.size() > kLongestWord || longer - shorter > limit) continue;
    const size_t d = distance(wanted, lower(candidate), limit);
    if (d > limit || d >= longer) continue;
    best = &candidate;
    if (d == 0) break;
    limit = d - 1;  // only a nearer one replaces it
  }
  return best ? *best : std::string();
}

}  // namespace heddle
