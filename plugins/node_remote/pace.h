// Pace: how many items go in one request, and how many requests are open. A pipeline that answers at once gets what has gathered meanwhile, in few requests; one that takes its time gets
// each item in a request of its own, many at a time.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace node_remote {

class Pace {
 public:
  static constexpr size_t kMostItems = 128;  // of a request
  static constexpr size_t kMostRequests = 64;
  static constexpr uint64_t kQuickNs = 5'000'000, kSlowNs = 10'000'000;

  // `few`: requests that are open while they are quick. `most`: items of a request.
  explicit Pace(size_t few, size_t most = kMostItems) : few_(few), most_(most) {}

  size_t items() const { return items_; }  // of the next request, at most
  size_t requests() const { return is_wide() ? kMostRequests : few_; }

  // A request with so many items is over.
  void took(uint64_t ns, size_t items) {
    if (is_wide()) {
      left_ -= std::min(left_, items);
    } else if (ns < kQuickNs) {
      items_ = std::min(items_ * 2, most_);
      wide_for_ = kShortest;
    } else if (ns > kSlowNs) {
      items_ = std::max<size_t>(items_ / 2, 1);
    }
  }
  // Items wait for requests all of which have been open for longer than kSlowNs.
  void stuck() {
    if (is_wide()) return;
    items_ = 1;
    left_ = wide_for_;
    wide_for_ = std::min(wide_for_ * 2, kLongest);
  }

 private:
  static constexpr size_t kShortest = 256, kLongest = 65'536;
  bool is_wide() const { return left_ > 0 || most_ == 1; }

  size_t few_, most_;
  size_t items_ = 1;
  size_t left_ = 0;               // items that go by themselves before it is tried again whether they are quick
  size_t wide_for_ = kShortest;   // how many the next time
};

}  // namespace node_remote
