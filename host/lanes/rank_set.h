// A set of small numbers that finds its smallest member at or above a bound in constant time for up to 4,096 of them.
#pragma once
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace heddle {

class RankSet {
 public:
  static constexpr size_t kNone = SIZE_MAX;

  // Makes it empty, for members below `n`.
  void reset(size_t n) {
    words_.assign((n + 63) / 64, 0);
    summary_.assign((words_.size() + 63) / 64, 0);
  }

  void set(size_t i, bool in) {
    uint64_t& word = words_[i / 64];
    word = in ? word | bit(i) : word & ~bit(i);
    uint64_t& above = summary_[i / 4096];
    above = word ? above | bit(i / 64) : above & ~bit(i / 64);
  }

  // The smallest member that is not below `from`.
  size_t first(size_t from = 0) const {
    size_t w = from / 64;
    if (w >= words_.size()) return kNone;
    if (uint64_t here = words_[w] & (~uint64_t{0} << (from % 64))) return w * 64 + static_cast<size_t>(std::countr_zero(here));
    ++w;
    for (size_t s = w / 64; s < summary_.size(); ++s) {
      uint64_t above = summary_[s];
      if (s == w / 64) above &= ~uint64_t{0} << (w % 64);
      if (!above) continue;
      const size_t found = s * 64 + static_cast<size_t>(std::countr_zero(above));
      return found * 64 + static_cast<size_t>(std::countr_zero(words_[found]));
    }
    return kNone;
  }

 private:
  static uint64_t bit(size_t i) { return uint64_t{1} << (i % 64); }

  std::vector<uint64_t> words_;
  std::vector<uint64_t> summary_;  // bit w: word w is not 0
};

}  // namespace heddle
