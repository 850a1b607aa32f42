// Pace: how many items go in one request, and how many requests are open. A pipeline that takes its time gets each item in a request of its own; one that answers at once gets what has
// gathered meanwhile, in few requests.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace node_remote {

class Pace {
 public:
  static constexpr size_t kMost = 64;                               // items of a request, or requests
  static constexpr uint64_t kQuickNs = 5'000'000, kSlowNs = 20'000'000;

  // `fewest`: requests that are open in any case. `most`: items of a request.
  explicit Pace(size_t fewest, size_t most = kMost) : fewest_(fewest), most_(most) {}

  size_t items() const { return items_; }
  size_t requests() const { return std::max(fewest_, kMost / items_); }

  // A request with so many items is over, or was open for so long.
  void took(uint64_t ns, size_t items) {
    if (ns > kSlowNs) {
      items_ = 1;
      doubt_ = kDoubt;
    } else if (ns < kQuickNs) {
      doubt_ -= std::min(doubt_, items);
      if (doubt_ == 0) items_ = std::min(items_ * 2, most_);
    }
  }

 private:
  static constexpr size_t kDoubt = 256;  // items that must be quick before more go together again
  size_t fewest_, most_;
  size_t items_ = 1;
  size_t doubt_ = 0;
};

}  // namespace node_remote
