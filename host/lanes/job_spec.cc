#include "lanes/job_spec.h"

#include <algorithm>
#include <cmath>

namespace heddle {

std::string_view name_of(JobState state) {
  static constexpr std::string_view kNames[] = {"blocked", "waiting", "running", "backing-off", "done", "dead", "cancelled"};
  return kNames[static_cast<size_t>(state)];
}

uint64_t RetryPolicy::wait_ns(uint32_t next, uint64_t random) const {
  const double full = static_cast<double>(first_ns) * std::pow(factor, next < 2 ? 0 : next - 2);
  const auto wait = static_cast<uint64_t>(std::min(full, static_cast<double>(cap_ns)));
  return jitter == Jitter::kNone || wait == UINT64_MAX ? wait : random % (wait + 1);
}

RetryPolicy exponential(uint32_t retries) { return {.max_attempts = retries + 1}; }

RetryPolicy fixed(uint32_t retries, uint64_t delay_ns) {
  return {.max_attempts = retries + 1, .first_ns = delay_ns, .factor = 1, .cap_ns = delay_ns, .jitter = RetryPolicy::Jitter::kNone};
}

}  // namespace heddle
