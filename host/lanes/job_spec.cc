#include "lanes/job_spec.h"

#include <algorithm>
#include <cmath>
#include <random>

namespace heddle {

std::string_view name_of(JobState state) {
  static constexpr std::string_view kNames[] = {"blocked", "waiting", "running", "backing-off", "stranded", "ending", "done", "dead", "cancelled"};
  return kNames[static_cast<size_t>(state)];
}

uint64_t RetryPolicy::wait_ns(uint32_t next) const {
  thread_local std::mt19937_64 generator(std::random_device{}());
  const auto up_to = [](uint64_t most) { return std::uniform_int_distribution<uint64_t>(0, most)(generator); };
  const double full = static_cast<double>(first_ns) * std::pow(factor, next < 2 ? 0 : next - 2);
  const auto wait = static_cast<uint64_t>(std::min(full, static_cast<double>(cap_ns)));
  switch (jitter) {
    case Jitter::kNone: return wait;
    case Jitter::kEqual: return wait / 2 + up_to(wait / 2);
    case Jitter::kFull: break;
  }
  return up_to(wait);
}

RetryPolicy exponential(uint32_t retries) { return {.max_attempts = retries + 1}; }

RetryPolicy fixed(uint32_t retries, uint64_t delay_ns) {
  return {.max_attempts = retries + 1, .first_ns = delay_ns, .factor = 1, .cap_ns = delay_ns, .jitter = RetryPolicy::Jitter::kNone};
}

}  // namespace heddle
