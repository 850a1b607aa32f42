// CircuitBreaker: keeps calls away from an endpoint that fails, and lets a few through from time to time to see whether it is well again.
//
//   closed     every call may begin; enough failures open it
//   open       none may; after reset_ns, give or take a tenth, it is half open
//   half open  a few may at a time; so many successes close it, one failure opens it again
//
// It has no clock and no lock: `now` is any clock that does not go back.
#pragma once
#include <cstdint>
#include <string_view>

#include "resilience/call_window.h"
#include "retry.h"

namespace heddle {

struct BreakerPolicy {
  uint32_t failures_in_row = 5;                // open it; 0: they do not
  uint32_t failure_percent = 50;               // of the calls of the window open it; 0: they do not
  uint32_t fewest_calls = 20;                  // in the window, before percents count
  uint64_t window_ns = 30 * kNsPerSecond;
  uint64_t reset_ns = 30 * kNsPerSecond;
  uint32_t half_open_calls = 3;                // at a time
  uint32_t successes = 2;                      // close it
};

// What a call came to, as far as its endpoint is concerned.
enum class CallOutcome : uint8_t {
  kGood,     // the endpoint answered; also if the answer was that the request is wrong
  kBad,      // it did not, or said that it cannot
  kNothing   // the call was given up before that showed
};

class CircuitBreaker {
 public:
  enum class State : uint8_t { kClosed, kOpen, kHalfOpen };
  using Ticket = uint64_t;  // of one call: what it comes to counts only as long as the breaker stays in the state that it began in

  explicit CircuitBreaker(BreakerPolicy policy, Draw draw = draw_randomly) : policy_(policy), draw_(std::move(draw)), window_(policy.window_ns) {}

  // Whether a call may begin; begin() and ended() are to follow, once each.
  bool may_begin(uint64_t now) const;
  Ticket begin(uint64_t now);
  void ended(Ticket ticket, CallOutcome outcome, uint64_t now);

  State state(uint64_t now) const;
  // Open: until when no call may begin.
  uint64_t until_ns() const { return until_ns_; }
  uint64_t times_opened() const { return times_opened_; }

 private:
  void enter(State state);
  void open(uint64_t now);

  BreakerPolicy policy_;
  Draw draw_;
  CallWindow window_;
  State state_ = State::kClosed;
  Ticket entered_ = 0;                   // counts the states it came into
  uint32_t in_row_ = 0;                  // closed: failures
  uint32_t trying_ = 0, succeeded_ = 0;  // half open
  uint64_t until_ns_ = 0;                // open
  uint64_t times_opened_ = 0;
};

std::string_view name_of(CircuitBreaker::State state);

}  // namespace heddle
