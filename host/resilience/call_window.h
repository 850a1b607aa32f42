// CallWindow: how many calls there were of late, and how many of them failed. It has no clock and no lock.
#pragma once
#include <array>
#include <cstdint>

#include "clock.h"

namespace heddle {

// Counts over the last `span_ns`, to a tenth of that.
class CallWindow {
 public:
  explicit CallWindow(uint64_t span_ns) : slice_ns_(span_ns / kSlices > 0 ? span_ns / kSlices : 1) {}

  struct Counts {
    uint64_t calls = 0, failures = 0;
  };
  void add(Counts counts, uint64_t now) {
    Slice& slice = slice_of(now);
    slice.counts.calls += counts.calls;
    slice.counts.failures += counts.failures;
  }
  Counts counts(uint64_t now) const {
    Counts sum;
    const uint64_t number = now / slice_ns_;
    for (const Slice& slice : slices_) {
      if (slice.number + kSlices <= number || slice.number > number) continue;
      sum.calls += slice.counts.calls;
      sum.failures += slice.counts.failures;
    }
    return sum;
  }
  void clear() { slices_ = {}; }

 private:
  static constexpr uint64_t kSlices = 10;
  struct Slice {
    uint64_t number = 0;  // of the time it counts
    Counts counts;
  };
  Slice& slice_of(uint64_t now) {
    const uint64_t number = now / slice_ns_;
    Slice& slice = slices_[number % kSlices];
    if (slice.number != number) slice = {number, {}};
    return slice;
  }

  uint64_t slice_ns_;
  std::array<Slice, kSlices> slices_{};
};

}  // namespace heddle
