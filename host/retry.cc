#include "retry.h"

#include <algorithm>
#include <cmath>
#include <random>

namespace heddle {

uint64_t draw_randomly(uint64_t most) {
  thread_local std::mt19937_64 generator(std::random_device{}());
  return std::uniform_int_distribution<uint64_t>(0, most)(generator);
}

uint64_t RetryPolicy::wait_ns(uint32_t next, const Draw& draw) const {
  const double full = static_cast<double>(first_ns) * std::pow(factor, next < 2 ? 0 : next - 2);
  const auto wait = static_cast<uint64_t>(std::min(full, static_cast<double>(cap_ns)));
  switch (jitter) {
    case Jitter::kNone: return wait;
    case Jitter::kEqual: return wait / 2 + draw(wait / 2);
    case Jitter::kFull: break;
  }
  return draw(wait);
}

RetryPolicy exponential(uint32_t retries) { return {.max_attempts = retries + 1}; }

RetryPolicy fixed(uint32_t retries, uint64_t delay_ns) {
  return {.max_attempts = retries + 1, .first_ns = delay_ns, .factor = 1, .cap_ns = delay_ns, .jitter = RetryPolicy::Jitter::kNone};
}

}  // namespace heddle
