// The one source of time in the host. Monotonic time is CLOCK_MONOTONIC in nanoseconds, the clock of every deadline in the ABI.
#pragma once
#include <cstdint>
#include <ctime>

namespace heddle {

inline constexpr uint64_t kNsPerMs = 1'000'000;
inline constexpr uint64_t kNsPerSecond = 1'000'000'000;

inline uint64_t now_ns() noexcept {
  timespec t;
  ::clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<uint64_t>(t.tv_sec) * kNsPerSecond + static_cast<uint64_t>(t.tv_nsec);
}

// Wall-clock time since the epoch: for names and records, never for waiting.
inline uint64_t wall_ns() noexcept {
  timespec t;
  ::clock_gettime(CLOCK_REALTIME, &t);
  return static_cast<uint64_t>(t.tv_sec) * kNsPerSecond + static_cast<uint64_t>(t.tv_nsec);
}
inline uint64_t wall_ms() noexcept { return wall_ns() / kNsPerMs; }
inline int64_t unix_now() noexcept { return static_cast<int64_t>(wall_ns() / kNsPerSecond); }

}  // namespace heddle
