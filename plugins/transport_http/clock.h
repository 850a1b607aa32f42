// CLOCK_MONOTONIC in nanoseconds, the clock of every deadline of the ABI.
#pragma once
#include <poll.h>
#include <time.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>

namespace transport_http {

constexpr uint64_t kNever = UINT64_MAX;
constexpr uint64_t kNsPerMs = 1'000'000;

inline uint64_t now_ns() {
  timespec t;
  ::clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<uint64_t>(t.tv_sec) * 1'000'000'000u + static_cast<uint64_t>(t.tv_nsec);
}
inline uint64_t in_ms(uint64_t ms) { return now_ns() + ms * kNsPerMs; }

// poll(2) until a point in time, whatever signals come: the number of descriptors with news, 0 once the time has passed.
inline int poll_until(pollfd* descriptors, nfds_t n, uint64_t until_ns) {
  for (;;) {
    int timeout = -1;
    if (until_ns != kNever) {
      const uint64_t now = now_ns();
      constexpr uint64_t kMostMs = 1'000'000;
      timeout = now >= until_ns ? 0 : static_cast<int>(std::min((until_ns - now + kNsPerMs - 1) / kNsPerMs, kMostMs));
    }
    const int ready = ::poll(descriptors, n, timeout);
    if (ready > 0 || (ready < 0 && errno != EINTR)) return ready;
    if (until_ns != kNever && now_ns() >= until_ns) return 0;
  }
}

}  // namespace transport_http
