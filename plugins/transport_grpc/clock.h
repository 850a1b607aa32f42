// CLOCK_MONOTONIC in nanoseconds, the clock of every deadline of the ABI, and the deadlines of gRPC.
#pragma once
#include <grpc/support/time.h>
#include <time.h>

#include <chrono>
#include <cstdint>

namespace transport_grpc {

constexpr uint64_t kNever = UINT64_MAX;
constexpr uint64_t kNsPerMs = 1'000'000, kNsPerS = 1'000'000'000;

inline uint64_t now_ns() {
  timespec t;
  ::clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<uint64_t>(t.tv_sec) * kNsPerS + static_cast<uint64_t>(t.tv_nsec);
}
inline uint64_t in_ms(uint64_t ms) { return now_ns() + ms * kNsPerMs; }

// steady_clock is CLOCK_MONOTONIC, and so is gRPC's.
inline std::chrono::steady_clock::time_point point(uint64_t ns) { return std::chrono::steady_clock::time_point(std::chrono::nanoseconds(ns)); }
inline gpr_timespec timespec_of(uint64_t ns) {
  if (ns == kNever) return gpr_inf_future(GPR_CLOCK_MONOTONIC);
  return {static_cast<int64_t>(ns / kNsPerS), static_cast<int32_t>(ns % kNsPerS), GPR_CLOCK_MONOTONIC};
}
// 0: never.
inline uint64_t deadline_of(gpr_timespec t) {
  if (gpr_time_cmp(t, gpr_inf_future(t.clock_type)) == 0) return 0;
  const gpr_timespec m = gpr_convert_clock_type(t, GPR_CLOCK_MONOTONIC);
  if (m.tv_sec > 1'000'000'000'000) return 0;
  return m.tv_sec < 0 ? 1 : static_cast<uint64_t>(m.tv_sec) * kNsPerS + static_cast<uint64_t>(m.tv_nsec);
}

}  // namespace transport_grpc
