#include "resilience/circuit_breaker.h"

namespace heddle {

std::string_view name_of(CircuitBreaker::State state) {
  static constexpr std::string_view kNames[] = {"closed", "open", "half-open"};
  return kNames[static_cast<size_t>(state)];
}

CircuitBreaker::State CircuitBreaker::state(uint64_t now) const {
  return state_ == State::kOpen && now >= until_ns_ ? State::kHalfOpen : state_;
}

bool CircuitBreaker::may_begin(uint64_t now) const {
  switch (state(now)) {
    case State::kClosed: return true;
    case State::kOpen: return false;
    case State::kHalfOpen: break;
  }
  return state_ == State::kOpen || trying_ < policy_.half_open_calls;
}

CircuitBreaker::Ticket CircuitBreaker::begin(uint64_t now) {
  if (state_ == State::kOpen && state(now) == State::kHalfOpen) enter(State::kHalfOpen);
  if (state_ == State::kHalfOpen) ++trying_;
  return entered_;
}

void CircuitBreaker::ended(Ticket ticket, CallOutcome outcome, uint64_t now) {
  if (ticket != entered_) return;
  if (state_ == State::kHalfOpen) {
    --trying_;
    if (outcome == CallOutcome::kBad) return open(now);
    if (outcome == CallOutcome::kGood && ++succeeded_ >= policy_.successes) enter(State::kClosed);
    return;
  }
  if (outcome == CallOutcome::kNothing) return;
  const bool bad = outcome == CallOutcome::kBad;
  window_.add({1, bad ? 1u : 0u}, now);
  in_row_ = bad ? in_row_ + 1 : 0;
  if (!bad) return;
  const auto [calls, failures] = window_.counts(now);
  const bool too_many_in_row = policy_.failures_in_row > 0 && in_row_ >= policy_.failures_in_row;
  const bool too_many_of_all = policy_.failure_percent > 0 && calls >= policy_.fewest_calls && failures * 100 >= calls * policy_.failure_percent;
  if (too_many_in_row || too_many_of_all) open(now);
}

void CircuitBreaker::enter(State state) {
  state_ = state;
  ++entered_;
  in_row_ = trying_ = succeeded_ = 0;
  window_.clear();
}

// Those who opened it together do not all come back together.
void CircuitBreaker::open(uint64_t now) {
  enter(State::kOpen);
  ++times_opened_;
  const uint64_t tenth = policy_.reset_ns / 10;
  until_ns_ = now + policy_.reset_ns - tenth + draw_(2 * tenth);
}

}  // namespace heddle
