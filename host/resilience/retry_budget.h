// RetryBudget: so many retries as calls allow, so that a peer in trouble does not get more calls than one that is well. It has no clock and no lock.
#pragma once
#include <algorithm>

#include "resilience/call_window.h"

namespace heddle {

class RetryBudget {
 public:
  struct Policy {
    uint32_t percent = 20;                  // of the calls of the window
    uint32_t floor = 3;                     // in the window, however few calls there are
    uint64_t window_ns = 10 * kNsPerSecond;
  };

  explicit RetryBudget(Policy policy) : policy_(policy), window_(policy.window_ns) {}

  void called(uint64_t now) { window_.add({1, 0}, now); }
  // True: one more retry may begin, and is counted.
  bool take(uint64_t now) {
    const auto [calls, retries] = window_.counts(now);
    if (retries >= std::max<uint64_t>(policy_.floor, calls * policy_.percent / 100)) return false;
    window_.add({0, 1}, now);
    return true;
  }

 private:
  Policy policy_;
  CallWindow window_;  // what it calls failures are retries here
};

}  // namespace heddle
