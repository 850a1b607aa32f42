// Histogram: durations in buckets whose width grows with the value, eight to each doubling (as HdrHistogram, at 12 % precision). One thread records, or all of them with record_shared(); any may read.
#pragma once
#include <array>
#include <atomic>
#include <bit>
#include <cstdint>

namespace heddle {

class Histogram {
 public:
  static constexpr unsigned kBits = 3, kDoublings = 40;  // up to 2^43 ns: more than two hours
  static constexpr unsigned kBuckets = (kDoublings + 1) << kBits;

  static unsigned bucket(uint64_t ns) {
    const unsigned width = static_cast<unsigned>(std::bit_width(ns));
    if (width <= kBits) return static_cast<unsigned>(ns);
    const unsigned doubling = width - kBits;
    return doubling > kDoublings ? kBuckets - 1 : (doubling << kBits) + static_cast<unsigned>((ns >> (doubling - 1)) & ((1u << kBits) - 1));
  }
  // The middle of a bucket.
  static uint64_t value(unsigned bucket) {
    if (bucket < (1u << kBits)) return bucket;
    const unsigned doubling = bucket >> kBits;
    const uint64_t low = ((uint64_t{1} << kBits) + (bucket & ((1u << kBits) - 1))) << (doubling - 1);
    return low + (uint64_t{1} << (doubling - 1)) / 2;
  }

  void record(uint64_t ns) {
    auto& count = counts_[bucket(ns)];
    count.store(count.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    sum_.store(sum_.load(std::memory_order_relaxed) + ns, std::memory_order_relaxed);
  }
  // [any]
  void record_shared(uint64_t ns) {
    counts_[bucket(ns)].fetch_add(1, std::memory_order_relaxed);
    sum_.fetch_add(ns, std::memory_order_relaxed);
  }
  // By the recorder.
  void add(const Histogram& other) {
    for (unsigned b = 0; b < kBuckets; ++b) counts_[b].store(count(b) + other.count(b), std::memory_order_relaxed);
    sum_.store(sum() + other.sum(), std::memory_order_relaxed);
  }
  uint64_t count(unsigned bucket) const { return counts_[bucket].load(std::memory_order_relaxed); }
  uint64_t sum() const { return sum_.load(std::memory_order_relaxed); }

 private:
  std::array<std::atomic<uint64_t>, kBuckets> counts_{};
  std::atomic<uint64_t> sum_{0};
};

// Several histograms, added up.
class Durations {
 public:
  void add(const Histogram& one) {
    for (unsigned b = 0; b < Histogram::kBuckets; ++b) {
      counts_[b] += one.count(b);
      count_ += one.count(b);
    }
    sum_ += one.sum();
  }
  void add(const Durations& other) {
    for (unsigned b = 0; b < Histogram::kBuckets; ++b) counts_[b] += other.counts_[b];
    count_ += other.count_;
    sum_ += other.sum_;
  }
  uint64_t count() const { return count_; }
  uint64_t sum_ns() const { return sum_; }
  // How many did not exceed `ns`, as near as the buckets tell.
  uint64_t at_most(uint64_t ns) const {
    uint64_t seen = 0;
    for (unsigned b = 0; b < Histogram::kBuckets && Histogram::value(b) <= ns; ++b) seen += counts_[b];
    return seen;
  }
  // The duration that `share` (0 to 1) of all do not exceed, in ns; 0 without any.
  uint64_t quantile(double share) const {
    if (count_ == 0) return 0;
    const auto rank = static_cast<uint64_t>(share * static_cast<double>(count_ - 1));
    uint64_t seen = 0;
    for (unsigned b = 0; b < Histogram::kBuckets; ++b) {
      if ((seen += counts_[b]) > rank) return Histogram::value(b);
    }
    return Histogram::value(Histogram::kBuckets - 1);
  }

 private:
  std::array<uint64_t, Histogram::kBuckets> counts_{};
  uint64_t count_ = 0, sum_ = 0;
};

}  // namespace heddle
