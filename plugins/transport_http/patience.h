// Patience: how long a call waits for anything: until its deadline, or until it is given up.
#pragma once
#include <atomic>
#include <cstdint>

#include "clock.h"
#include "descriptor.h"

namespace transport_http {

struct Patience {
  enum class News { kReady, kLate, kGivenUp };

  Bell& bell;  // rings when something has happened to the call
  const std::atomic<bool>& given_up;
  uint64_t until_ns = kNever;

  Patience until(uint64_t earlier_ns) const { return {bell, given_up, std::min(until_ns, earlier_ns)}; }

  // Until `descriptor` has one of `events`.
  News wait(int descriptor, short events) const {
    for (;;) {
      if (given_up) return News::kGivenUp;
      pollfd p[2] = {{bell.get(), POLLIN, 0}, {descriptor, events, 0}};
      if (poll_until(p, 2, until_ns) <= 0) return News::kLate;
      if (p[1].revents) return News::kReady;
      bell.quiet();
    }
  }
  // Until `happened()`, which is looked at whenever the bell has rung.
  template <class Fn>
  News wait_for(Fn&& happened) const {
    for (;;) {
      if (given_up) return News::kGivenUp;
      if (happened()) return News::kReady;
      pollfd p{bell.get(), POLLIN, 0};
      if (poll_until(&p, 1, until_ns) <= 0) return News::kLate;
      bell.quiet();
    }
  }
};

}  // namespace transport_http
