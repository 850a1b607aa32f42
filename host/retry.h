// RetryPolicy: how often something is tried, and how long one waits in between.
#pragma once
#include <cstdint>
#include <functional>

#include "clock.h"

namespace heddle {

// Gives a number from 0 to `most`.
using Draw = std::function<uint64_t(uint64_t most)>;
// [any] From a generator of this thread.
uint64_t draw_randomly(uint64_t most);

// How often something that failed is tried, and how long it waits before: `first_ns`, then `factor` times more each time, never more than `cap_ns`.
struct RetryPolicy {
  enum class Jitter : uint8_t { kNone, kEqual, kFull };  // kEqual: half of the wait and anything up to the other half; kFull: anything up to the wait
  uint32_t max_attempts = 1;
  uint64_t first_ns = 100 * kNsPerMs;
  double factor = 2;
  uint64_t cap_ns = 30 * kNsPerSecond;
  Jitter jitter = Jitter::kFull;

  // Before attempt `next` (2: the first retry), with its jitter.
  uint64_t wait_ns(uint32_t next, const Draw& draw = draw_randomly) const;
};
RetryPolicy exponential(uint32_t retries);
RetryPolicy fixed(uint32_t retries, uint64_t delay_ns);

}  // namespace heddle
