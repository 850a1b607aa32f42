#include "resilience/endpoint_pool.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace heddle {
namespace {

constexpr uint64_t kSecond = kNsPerSecond;
constexpr CallOutcome kGood = CallOutcome::kGood, kBad = CallOutcome::kBad;

Draw seeded() {
  return [generator = std::make_shared<std::mt19937_64>(7)](uint64_t most) { return std::uniform_int_distribution<uint64_t>(0, most)(*generator); };
}

std::vector<EndpointSpec> endpoints(std::vector<uint32_t> weights) {
  std::vector<EndpointSpec> specs;
  for (const uint32_t weight : weights) specs.push_back({"e" + std::to_string(specs.size()), weight});
  return specs;
}

struct Pool {
  explicit Pool(std::vector<uint32_t> weights, PoolPolicy policy = {}) : pool(endpoints(std::move(weights)), std::move(policy), seeded()) {}

  // So many calls, one after the other, each with its own key; how many each endpoint got.
  std::map<size_t, int> spread(int calls, uint64_t now = 0) {
    std::map<size_t, int> got;
    for (int i = 0; i < calls; ++i) {
      const auto pick = pool.pick(static_cast<uint64_t>(i), {}, now);
      if (!pick) continue;
      ++got[pick->endpoint];
      pool.ended(*pick, kGood, kNsPerMs, {}, now);
    }
    return got;
  }
  void fail(size_t endpoint, int times, uint64_t now) {
    for (int done = 0, tries = 0; done < times && tries < 1'000; ++tries) {
      std::vector<size_t> others;
      for (size_t i = 0; i < pool.size(); ++i) {
        if (i != endpoint) others.push_back(i);
      }
      const auto pick = pool.pick(0, others, now);
      if (!pick) return;
      const bool is_it = pick->endpoint == endpoint;
      pool.ended(*pick, is_it ? kBad : CallOutcome::kNothing, 0, "refused", now);
      done += is_it ? 1 : 0;
    }
  }

  EndpointPool pool;
};

constexpr PoolPolicy kNoBreaker = {.breaker = std::nullopt};

PoolPolicy by(Balance balance) {
  PoolPolicy policy = kNoBreaker;
  policy.balance = balance;
  return policy;
}

TEST(EndpointPool, RoundRobinFollowsTheWeightsExactlyAndSpreadsThem) {
  Pool even({1, 1, 1, 1}, by(Balance::kRoundRobin));
  EXPECT_EQ(even.spread(100), (std::map<size_t, int>{{0, 25}, {1, 25}, {2, 25}, {3, 25}}));
  Pool weighted({5, 1, 1}, by(Balance::kRoundRobin));
  std::string order;
  for (int i = 0; i < 7; ++i) {
    const auto pick = weighted.pool.pick(0, {}, 0);
    order += static_cast<char>('a' + pick->endpoint);
    weighted.pool.ended(*pick, kGood, 1, {}, 0);
  }
  EXPECT_EQ(order, "aabacaa");
}

TEST(EndpointPool, RandomAndHashFollowTheWeightsRoughly) {
  for (const Balance balance : {Balance::kRandom, Balance::kHash}) {
    Pool pool({3, 1}, by(balance));
    const auto got = pool.spread(4'000);
    EXPECT_NEAR(got.at(0), 3'000, 150) << name_of(balance);
  }
}

TEST(EndpointPool, AnEndpointThatGoesMovesNoKeysButItsOwn) {
  Pool all({1, 1, 1, 1}, by(Balance::kHash));
  int moved = 0, of_it = 0;
  for (uint64_t key = 0; key < 1'000; ++key) {
    const auto before = all.pool.pick(key, {}, 0), without = all.pool.pick(key, {2}, 0);
    of_it += before->endpoint == 2 ? 1 : 0;
    moved += before->endpoint != without->endpoint ? 1 : 0;
  }
  EXPECT_EQ(moved, of_it);
  EXPECT_GT(of_it, 150);
}

TEST(EndpointPool, LeastConnectionsTakesTheIdlest) {
  Pool pool({1, 2}, by(Balance::kLeastConnections));
  std::map<size_t, int> open;
  for (int i = 0; i < 9; ++i) ++open[pool.pool.pick(0, {}, 0)->endpoint];
  EXPECT_EQ(open, (std::map<size_t, int>{{0, 3}, {1, 6}}));
}

TEST(EndpointPool, PowerOfTwoAvoidsTheSlow) {
  Pool pool({1, 1}, by(Balance::kPowerOfTwo));
  std::map<size_t, int> got;
  for (int i = 0; i < 200; ++i) {
    const auto pick = pool.pool.pick(0, {}, 0);
    ++got[pick->endpoint];
    pool.pool.ended(*pick, kGood, pick->endpoint == 0 ? 100 * kNsPerMs : kNsPerMs, {}, 0);
  }
  EXPECT_GT(got[1], 190);
}

TEST(EndpointPool, WhatWasTriedComesOnlyIfThereIsNoOther) {
  Pool pool({1, 1});
  EXPECT_EQ(pool.pool.pick(0, {0}, 0)->endpoint, 1u);
  EXPECT_TRUE(pool.pool.pick(0, {0, 1}, 0));
}

TEST(EndpointPool, FailuresInARowEjectForLongerEachTime) {
  PoolPolicy policy = kNoBreaker;
  policy.eject_after = 2;
  policy.slow_start_ns = 0;
  Pool pool({1, 1, 1}, policy);
  pool.fail(0, 2, 0);
  EXPECT_TRUE(pool.pool.endpoints(0)[0].ejected);
  EXPECT_EQ(pool.spread(30, 0).count(0), 0u);
  EXPECT_EQ(pool.spread(30, 30 * kSecond)[0], 10) << "back after 30 s";
  pool.fail(0, 2, 30 * kSecond);
  EXPECT_EQ(pool.spread(30, 89 * kSecond).count(0), 0u) << "60 s the second time";
  EXPECT_EQ(pool.spread(30, 90 * kSecond)[0], 10);
  EXPECT_EQ(pool.pool.endpoints(0)[0].ejections, 2u);
  EXPECT_EQ(pool.pool.endpoints(0)[0].last_error, "refused");
}

TEST(EndpointPool, NoMoreThanHalfIsEjected) {
  PoolPolicy policy = kNoBreaker;
  policy.eject_after = 1;
  Pool pool({1, 1, 1, 1}, policy);
  for (size_t i = 0; i < 4; ++i) pool.fail(i, 1, 0);
  const auto all = pool.pool.endpoints(0);
  EXPECT_EQ(std::count_if(all.begin(), all.end(), [](const auto& e) { return e.ejected; }), 2);
  Pool one({1}, policy);
  one.fail(0, 10, 0);
  EXPECT_FALSE(one.pool.endpoints(0)[0].ejected);
}

TEST(EndpointPool, WhenFewerThanHalfAreWellAllAreAsked) {
  Pool pool({1, 1, 1, 1}, kNoBreaker);
  pool.pool.probed(0, false, "no answer", 0);
  pool.pool.probed(1, false, "no answer", 0);
  EXPECT_EQ(pool.spread(100).size(), 2u) << "half of them: no panic";
  pool.pool.probed(2, false, "no answer", 0);
  EXPECT_EQ(pool.spread(100).size(), 4u);
}

TEST(EndpointPool, WhoIsBackBeginsSlowly) {
  Pool pool({1, 1}, kNoBreaker);
  pool.pool.probed(0, false, "no answer", 0);
  EXPECT_EQ(pool.spread(100, 0).count(0), 0u);
  pool.pool.probed(0, true, {}, 100 * kSecond);
  EXPECT_NEAR(pool.spread(110, 100 * kSecond)[0], 10, 2) << "a tenth of its weight";
  EXPECT_NEAR(pool.spread(150, 105 * kSecond)[0], 50, 2) << "half of it";
  EXPECT_NEAR(pool.spread(100, 110 * kSecond)[0], 50, 2);
}

TEST(EndpointPool, BreakersAreNeverIgnored) {
  PoolPolicy policy;
  policy.breaker = BreakerPolicy{.failures_in_row = 1};
  policy.eject_after = 0;
  Pool pool({1, 1}, policy);
  pool.fail(0, 1, 0);
  EXPECT_EQ(pool.spread(10).count(0), 0u);
  pool.fail(1, 1, 0);
  EXPECT_FALSE(pool.pool.pick(0, {}, 0));
  EXPECT_FALSE(pool.pool.pick(0, {}, 26 * kSecond));
  EXPECT_TRUE(pool.pool.pick(0, {}, 34 * kSecond));
}

TEST(EndpointPool, KnowsHowLongCallsTake) {
  Pool pool({1});
  EXPECT_EQ(pool.pool.latency_ns(95), 0u);
  EXPECT_EQ(pool.pool.endpoints(0)[0].p95_ns, 0u);
  const auto call = [&](uint64_t ms) { pool.pool.ended(*pool.pool.pick(0, {}, 0), kGood, ms * kNsPerMs, {}, 0); };
  call(1);
  EXPECT_EQ(pool.pool.latency_ns(95), 0u) << "too few to go by";
  EXPECT_EQ(pool.pool.endpoints(0)[0].p50_ns, kNsPerMs) << "but enough to show";
  for (uint64_t ms = 2; ms <= 100; ++ms) call(ms);
  EXPECT_EQ(pool.pool.latency_ns(95), 95 * kNsPerMs);
  const auto e = pool.pool.endpoints(0)[0];
  EXPECT_EQ(e.p50_ns, 50 * kNsPerMs);
  EXPECT_EQ(e.in_flight, 0u);
  EXPECT_EQ(e.took.count(), 100u);
  EXPECT_EQ(e.took.sum_ns(), 5'050 * kNsPerMs);
  for (int i = 0; i < 200; ++i) call(1);
  EXPECT_EQ(pool.pool.endpoints(0)[0].p95_ns, kNsPerMs) << "of late";
  EXPECT_EQ(pool.pool.endpoints(0)[0].took.count(), 300u) << "of all";
}

TEST(EndpointPool, CountsAttemptsByWhatTheyCameToAndWhyTheyWereMade) {
  Pool pool({1}, kNoBreaker);
  const auto attempt = [&](AttemptKind kind, CallOutcome outcome) { pool.pool.ended(*pool.pool.pick(0, {}, 0, kind), outcome, 1, "refused", 0); };
  attempt(AttemptKind::kFirst, kBad);
  attempt(AttemptKind::kRetry, kBad);
  attempt(AttemptKind::kRetry, kGood);
  attempt(AttemptKind::kHedge, kGood);
  attempt(AttemptKind::kFirst, CallOutcome::kNothing);
  const auto open = pool.pool.pick(0, {}, 0);
  const auto e = pool.pool.endpoints(0)[0];
  EXPECT_EQ(open->endpoint, 0u);
  EXPECT_EQ(e.good, 2u);
  EXPECT_EQ(e.bad, 2u);
  EXPECT_EQ(e.given_up, 1u);
  EXPECT_EQ(e.in_flight, 1u);
  EXPECT_EQ(e.retries, 2u);
  EXPECT_EQ(e.hedges, 1u);
  EXPECT_FALSE(e.breaker);
}

// What an operator sees at each time of an endpoint that fails, is left out, and comes back.
TEST(EndpointPool, SaysHowAnEndpointStandsAndUntilWhen) {
  PoolPolicy policy;
  policy.breaker = BreakerPolicy{.failures_in_row = 2, .reset_ns = 10 * kSecond, .successes = 1};
  policy.eject_after = 2;
  Pool pool({1, 1}, policy);
  struct Row {
    const char *what, *state;
    uint64_t at;
    std::optional<CircuitBreaker::State> breaker;
    bool well, ejected, slow_start;
    uint64_t opened, ejections;
    std::string last_error;
    uint64_t last_error_ns;
  };
  using enum CircuitBreaker::State;
  const auto check = [&](const Row& row) {
    const auto e = pool.pool.endpoints(row.at)[0];
    EXPECT_EQ(e.state(), row.state) << row.what;
    EXPECT_EQ(e.breaker, row.breaker) << row.what;
    EXPECT_EQ(e.well, row.well) << row.what;
    EXPECT_EQ(e.ejected, row.ejected) << row.what;
    EXPECT_EQ(e.ejected_until_ns, row.ejected ? 31 * kSecond : 0) << row.what;
    EXPECT_EQ(e.slow_start, row.slow_start) << row.what;
    EXPECT_EQ(e.opened, row.opened) << row.what;
    EXPECT_EQ(e.ejections, row.ejections) << row.what;
    EXPECT_EQ(e.last_error, row.last_error) << row.what;
    EXPECT_EQ(e.last_error_ns, row.last_error_ns) << row.what;
  };
  check({"as it begins", "healthy", 0, kClosed, true, false, false, 0, 0, "", 0});
  pool.fail(0, 2, 1 * kSecond);
  check({"twice refused", "ejected", 1 * kSecond, kOpen, true, true, false, 1, 1, "refused", 1 * kSecond});
  const uint64_t until_ns = pool.pool.endpoints(1 * kSecond)[0].breaker_until_ns;
  EXPECT_GE(until_ns, 10 * kSecond);
  EXPECT_LE(until_ns, 12 * kSecond);
  check({"its breaker lets some through", "ejected", 13 * kSecond, kHalfOpen, true, true, false, 1, 1, "refused", 1 * kSecond});
  EXPECT_EQ(pool.pool.endpoints(13 * kSecond)[0].breaker_until_ns, 0u);
  pool.pool.probed(0, false, "no answer", 20 * kSecond);
  check({"a probe failed", "ejected", 20 * kSecond, kHalfOpen, false, true, false, 1, 1, "no answer", 20 * kSecond});
  check({"not ejected, but not well", "unhealthy", 31 * kSecond, kHalfOpen, false, false, false, 1, 1, "no answer", 20 * kSecond});
  pool.pool.probed(0, true, {}, 40 * kSecond);
  check({"back", "slow-start", 40 * kSecond, kHalfOpen, true, false, true, 1, 1, "no answer", 20 * kSecond});
  pool.pool.ended(*pool.pool.pick(0, {1}, 45 * kSecond), kGood, 1, {}, 45 * kSecond);
  check({"well again, slowly", "slow-start", 45 * kSecond, kClosed, true, false, true, 1, 1, "no answer", 20 * kSecond});
  check({"well again", "healthy", 50 * kSecond, kClosed, true, false, false, 1, 1, "no answer", 20 * kSecond});
}

}  // namespace
}  // namespace heddle
