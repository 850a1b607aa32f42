#include "resilience/attempts.h"

#include <gtest/gtest.h>

namespace heddle {
namespace {

using Kind = Attempts::Step::Kind;
using Ending = Attempts::Ending;
constexpr uint64_t kMs = kNsPerMs;

Error retryable() { return {"unavailable", "refused", ErrorClass::kRetryable}; }

// A call under a clock of its own; what it says is kept as "send 1 e0, wake 1000" (times in ms).
struct Table {
  explicit Table(CallPolicy policy, std::vector<size_t> sizes = {1}, bool repeatable = true, uint64_t deadline_ns = 0, PoolPolicy pool_policy = {.breaker = std::nullopt}) {
    std::vector<EndpointPool*> raw;
    for (const size_t size : sizes) {
      std::vector<EndpointSpec> specs;
      for (size_t i = 0; i < size; ++i) specs.push_back({std::string(1, static_cast<char>('a' + pools.size())) + std::to_string(i)});
      raw.push_back(pools.emplace_back(std::make_unique<EndpointPool>(std::move(specs), pool_policy, none)).get());
    }
    call.emplace(std::move(raw), policy, repeatable, 0, deadline_ns, [](uint64_t most) { return most; });
  }

  std::string begin() { return text(call->begin(now)); }
  std::string at(uint64_t ms) {
    now = ms * kMs;
    return text(call->woken(now));
  }
  std::string answer(uint32_t number, Attempts::Answer what = {}) { return text(call->answered(number, std::move(what), now)); }
  std::string fail(uint32_t number, uint64_t retry_after_ms = 0) { return answer(number, {.error = retryable(), .retry_after_ns = retry_after_ms * kMs}); }

  std::string text(const Attempts::Steps& steps) const {
    std::string out;
    for (const auto& step : steps) {
      if (!out.empty()) out += ", ";
      switch (step.kind) {
        case Kind::kSend: out += "send " + std::to_string(step.number) + " " + pools[step.pool]->address(step.pick.endpoint); break;
        case Kind::kCancel: out += "cancel " + std::to_string(step.number); break;
        case Kind::kWake: out += "wake " + std::to_string(step.at_ns / kMs); break;
        case Kind::kDone: out += std::string(name_of(call->ending())); break;
      }
    }
    return out;
  }

  static inline const Draw none = [](uint64_t) { return uint64_t{0}; };
  std::vector<std::unique_ptr<EndpointPool>> pools;
  std::optional<Attempts> call;
  uint64_t now = 0;
};

CallPolicy policy(uint64_t timeout_ms = 30'000) { return {.timeout_ns = timeout_ms * kMs}; }

TEST(Attempts, AnAnswerEndsTheCall) {
  Table t(policy());
  EXPECT_EQ(t.begin(), "send 1 a0, wake 30000");
  EXPECT_EQ(t.answer(1), "answered");
  EXPECT_EQ(t.call->answered_by(), 1u);
  EXPECT_EQ(t.at(30'000), "") << "it is over";
}

TEST(Attempts, WhatMayBeRepeatedIsTriedElsewhereAfterItsWait) {
  Table t(policy(), {2});
  EXPECT_EQ(t.begin(), "send 1 a0, wake 30000");
  EXPECT_EQ(t.fail(1), "wake 1000") << "1 s first, with all of its jitter";
  EXPECT_EQ(t.at(1'000), "send 2 a1, wake 30000");
  EXPECT_EQ(t.fail(2), "wake 3000") << "then twice as long";
  EXPECT_EQ(t.at(3'000), "send 3 a0, wake 30000");
  EXPECT_EQ(t.fail(3), "failed") << "three attempts are all";
  EXPECT_EQ(t.call->history_text(), "attempt 1 to a0: refused (0 ms); attempt 2 to a1: refused (0 ms); attempt 3 to a0: refused (0 ms)");
}

TEST(Attempts, WhatMayNotBeRepeatedIsNotUnlessNothingWasSent) {
  Table t(policy(), {2}, false);
  t.begin();
  EXPECT_EQ(t.fail(1), "failed");
  Table unsent(policy(), {2}, false);
  unsent.begin();
  EXPECT_EQ(unsent.answer(1, {.error = retryable(), .never_sent = true}), "wake 1000");
  EXPECT_EQ(unsent.at(1'000), "send 2 a1, wake 30000");
}

TEST(Attempts, ARefusalIsNotTriedAgainNorTheEndpointsFault) {
  Table t(policy(), {2});
  t.begin();
  EXPECT_EQ(t.answer(1, {.error = Error("invalid", "no such pipeline", ErrorClass::kConfig), .is_endpoints = false}), "refused");
  EXPECT_EQ(t.pools[0]->endpoints(0)[0].bad, 0u);
}

TEST(Attempts, ThePeersWordOnWhenToComeBackIsKept) {
  Table t(policy());
  t.begin();
  EXPECT_EQ(t.fail(1, 5'000), "wake 5000");
  Table late(policy(4'000));
  late.begin();
  EXPECT_EQ(late.fail(1, 5'000), "failed") << "there is no time for that";
}

TEST(Attempts, AnAttemptHasItsOwnLimit) {
  CallPolicy p = policy();
  p.attempt_timeout_ns = 500 * kMs;
  Table t(p, {2});
  EXPECT_EQ(t.begin(), "send 1 a0, wake 500");
  EXPECT_EQ(t.at(500), "cancel 1, wake 1500");
  EXPECT_EQ(t.pools[0]->endpoints(0)[0].bad, 1u);
  EXPECT_EQ(t.at(1'500), "send 2 a1, wake 2000");
  EXPECT_EQ(t.answer(1), "") << "too late";
  EXPECT_EQ(t.answer(2), "answered");
}

TEST(Attempts, TheDeadlineEndsEverything) {
  Table t(policy(2'000));
  t.begin();
  EXPECT_EQ(t.at(2'000), "cancel 1, timed-out");
  EXPECT_EQ(t.pools[0]->endpoints(0)[0].bad, 1u) << "it had all the time there is";
  Table hurried(policy(2'000), {1}, true, 10 * kMs);
  EXPECT_EQ(hurried.begin(), "send 1 a0, wake 10");
  EXPECT_EQ(hurried.at(10), "cancel 1, timed-out");
  EXPECT_EQ(hurried.pools[0]->endpoints(0)[0].bad, 0u) << "the caller was in a hurry";
  Table late(policy(), {1}, true, 1);
  late.now = 5;
  EXPECT_EQ(late.begin(), "timed-out");
}

TEST(Attempts, AHedgeIsSentMeanwhileAndTheFirstAnswerCounts) {
  CallPolicy p = policy();
  p.hedge = HedgePolicy{.after_ns = 50 * kMs};
  Table t(p, {2});
  EXPECT_EQ(t.begin(), "send 1 a0, wake 50");
  EXPECT_EQ(t.at(50), "send 2 a1, wake 30000") << "one more is all";
  EXPECT_EQ(t.fail(1), "wake 30000") << "the other one may still be answered";
  EXPECT_EQ(t.answer(2), "answered");
  Table first(p, {2});
  first.begin();
  first.at(50);
  EXPECT_EQ(first.answer(1), "cancel 2, answered");
  EXPECT_EQ(first.pools[0]->endpoints(0)[1].bad, 0u);
}

TEST(Attempts, WhatMayNotBeRepeatedIsNotHedged) {
  CallPolicy p = policy();
  p.hedge = HedgePolicy{.after_ns = 50 * kMs};
  Table t(p, {2}, false);
  EXPECT_EQ(t.begin(), "send 1 a0, wake 30000");
}

TEST(Attempts, AHedgeComesAfterWhatMostCallsTake) {
  CallPolicy p = policy();
  p.hedge = HedgePolicy();
  Table t(p, {1});
  for (int i = 0; i < 100; ++i) t.pools[0]->ended(*t.pools[0]->pick(0, {}, 0), CallOutcome::kGood, 20 * kMs, {}, 0);
  EXPECT_EQ(t.begin(), "send 1 a0, wake 20");
}

TEST(Attempts, OnePoolComesAfterTheOther) {
  CallPolicy p = policy();
  p.retry.max_attempts = 1;
  Table t(p, {1, 1});
  t.begin();
  EXPECT_EQ(t.fail(1), "send 2 b0, wake 30000");
  EXPECT_EQ(t.fail(2), "failed");
  Table once(p, {1, 1}, false);
  once.begin();
  EXPECT_EQ(once.fail(1), "failed") << "it may have been done";
}

TEST(Attempts, OpenBreakersEndItAtOnce) {
  Table t(policy(), {1, 1}, true, 0, {.breaker = BreakerPolicy{.failures_in_row = 1}, .eject_after = 0});
  for (auto& pool : t.pools) pool->ended(*pool->pick(0, {}, 0), CallOutcome::kBad, 0, "refused", 0);
  EXPECT_EQ(t.begin(), "breakers-open");
  EXPECT_EQ(t.call->error().code, "breaker-open");
  EXPECT_TRUE(t.call->history().empty());
}

TEST(Attempts, TheBudgetBoundsWhatRetriesAdd) {
  EndpointPool pool({{"a"}}, {.breaker = std::nullopt, .eject_after = 0}, Table::none);
  int retries = 0;
  for (int i = 0; i < 100; ++i) {
    Attempts call({&pool}, policy(), true, 0, 0, [](uint64_t) { return uint64_t{0}; });
    call.begin(kMs);
    for (uint32_t number = 1;; ++number) {
      call.answered(number, {.error = retryable()}, kMs);
      if (call.ending() != Ending::kOpen) break;
      ++retries;
      call.woken(kMs);
    }
  }
  EXPECT_LE(retries, 20);
  EXPECT_GE(retries, 18);
}

TEST(Attempts, CallsThatAnEndpointTakesAlongAsItGoesAreNotRetriesToTheBudget) {
  EndpointPool pool({{"gone"}, {"there"}}, {.breaker = std::nullopt, .eject_after = 0}, Table::none);
  for (int i = 0; i < 100; ++i) {
    Attempts call({&pool}, policy(), true, 0, 0, Table::none);
    call.begin(kMs);
    call.answered(1, {.error = retryable(), .is_gone = true}, kMs);
    call.woken(kMs);
    EXPECT_EQ(call.history().size(), 2u) << i;
    call.answered(2, {}, kMs);
    EXPECT_EQ(call.ending(), Ending::kAnswered);
  }
}

TEST(Attempts, ACancelledOneLeavesNothingUnderWay) {
  Table t(policy());
  t.begin();
  EXPECT_EQ(t.text(t.call->cancel(5 * kMs)), "cancel 1, cancelled");
  const auto endpoint = t.pools[0]->endpoints(0)[0];
  EXPECT_EQ(endpoint.in_flight, 0u);
  EXPECT_EQ(endpoint.bad, 0u);
}

}  // namespace
}  // namespace heddle
