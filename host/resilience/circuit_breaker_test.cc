#include "resilience/circuit_breaker.h"

#include <gtest/gtest.h>

#include "resilience/retry_budget.h"

namespace heddle {
namespace {

using State = CircuitBreaker::State;
constexpr uint64_t kSecond = kNsPerSecond;

// One call, from its beginning to its end.
struct Call {
  uint64_t at_s;
  CallOutcome outcome;
  State after;
};
constexpr CallOutcome kGood = CallOutcome::kGood, kBad = CallOutcome::kBad, kNothing = CallOutcome::kNothing;

void play(CircuitBreaker& breaker, const std::vector<Call>& calls) {
  for (size_t i = 0; i < calls.size(); ++i) {
    const uint64_t now = calls[i].at_s * kSecond;
    ASSERT_TRUE(breaker.may_begin(now)) << "call " << i;
    breaker.ended(breaker.begin(now), calls[i].outcome, now);
    EXPECT_EQ(name_of(breaker.state(now)), name_of(calls[i].after)) << "after call " << i;
  }
}

// Without jitter: 27 s is 30 s less a tenth.
CircuitBreaker breaker(BreakerPolicy policy = {}) {
  return CircuitBreaker(policy, [](uint64_t) { return uint64_t{0}; });
}

TEST(CircuitBreaker, EachChangeOfStateComesWhereItShould) {
  struct Case {
    const char* what;
    BreakerPolicy policy;
    std::vector<Call> calls;
  };
  const std::vector<Case> cases = {
      {"five failures in a row open it", {}, {{0, kBad, State::kClosed}, {0, kBad, State::kClosed}, {0, kBad, State::kClosed}, {0, kBad, State::kClosed}, {0, kBad, State::kOpen}}},
      {"a success between begins the row anew", {.failures_in_row = 2}, {{0, kBad, State::kClosed}, {0, kGood, State::kClosed}, {0, kBad, State::kClosed}, {0, kBad, State::kOpen}}},
      {"what came to nothing does not count", {.failures_in_row = 2}, {{0, kBad, State::kClosed}, {0, kNothing, State::kClosed}, {0, kBad, State::kOpen}}},
      {"half of enough calls open it",
       {.failures_in_row = 0, .fewest_calls = 4},
       {{0, kBad, State::kClosed}, {1, kGood, State::kClosed}, {2, kGood, State::kClosed}, {3, kBad, State::kOpen}}},
      {"what is out of the window does not count",
       {.failures_in_row = 0, .fewest_calls = 4},
       {{0, kBad, State::kClosed}, {40, kGood, State::kClosed}, {41, kGood, State::kClosed}, {42, kBad, State::kClosed}, {43, kBad, State::kOpen}}},
      {"two successes close it", {.failures_in_row = 1}, {{0, kBad, State::kOpen}, {27, kGood, State::kHalfOpen}, {27, kGood, State::kClosed}}},
      {"one failure opens it again", {.failures_in_row = 1}, {{0, kBad, State::kOpen}, {27, kGood, State::kHalfOpen}, {28, kBad, State::kOpen}, {55, kGood, State::kHalfOpen}}},
      {"once closed it has forgotten", {.failures_in_row = 2}, {{0, kBad, State::kClosed}, {0, kBad, State::kOpen}, {27, kGood, State::kHalfOpen}, {27, kGood, State::kClosed}, {27, kBad, State::kClosed}}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.what);
    CircuitBreaker b = breaker(c.policy);
    play(b, c.calls);
  }
}

TEST(CircuitBreaker, AnOpenOneLetsNothingThroughUntilItsTime) {
  CircuitBreaker b = breaker({.failures_in_row = 1});
  b.ended(b.begin(0), kBad, 0);
  EXPECT_FALSE(b.may_begin(0));
  EXPECT_FALSE(b.may_begin(27 * kSecond - 1));
  EXPECT_EQ(b.until_ns(), 27 * kSecond);
  EXPECT_TRUE(b.may_begin(27 * kSecond));
  EXPECT_EQ(b.times_opened(), 1u);
}

TEST(CircuitBreaker, AHalfOpenOneLetsAFewThroughAtATime) {
  CircuitBreaker b = breaker({.failures_in_row = 1, .half_open_calls = 2});
  b.ended(b.begin(0), kBad, 0);
  const uint64_t now = 30 * kSecond;
  const auto first = b.begin(now);
  b.begin(now);
  EXPECT_FALSE(b.may_begin(now));
  b.ended(first, kNothing, now);
  EXPECT_TRUE(b.may_begin(now)) << "one that came to nothing makes room";
}

TEST(CircuitBreaker, ACallFromBeforeItOpenedSaysNothingAboutNow) {
  CircuitBreaker b = breaker({.failures_in_row = 1, .successes = 1});
  const auto early = b.begin(0);
  b.ended(b.begin(0), kBad, 0);
  EXPECT_TRUE(b.may_begin(27 * kSecond));
  const auto probe = b.begin(27 * kSecond);
  b.ended(early, kBad, 27 * kSecond);
  EXPECT_EQ(b.state(27 * kSecond), State::kHalfOpen);
  b.ended(probe, kGood, 27 * kSecond);
  EXPECT_EQ(b.state(27 * kSecond), State::kClosed);
}

TEST(CircuitBreaker, ItsTimeIsJitteredByATenth) {
  for (const uint64_t part : {0u, 1u, 2u}) {
    CircuitBreaker b({.failures_in_row = 1}, [part](uint64_t most) { return most * part / 2; });
    b.ended(b.begin(0), kBad, 0);
    EXPECT_EQ(b.until_ns(), (27 + 3 * part) * kSecond);
  }
}

TEST(RetryBudget, IsAFloorAndAShareOfTheCalls) {
  RetryBudget budget({.percent = 20, .floor = 3, .window_ns = 10 * kSecond});
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(budget.take(0));
  EXPECT_FALSE(budget.take(0));
  for (int i = 0; i < 100; ++i) budget.called(kSecond);
  int taken = 0;
  while (budget.take(kSecond)) ++taken;
  EXPECT_EQ(taken, 17) << "20 of 100 calls, three of them were taken before";
  EXPECT_TRUE(budget.take(20 * kSecond)) << "all of that is forgotten";
}

}  // namespace
}  // namespace heddle
