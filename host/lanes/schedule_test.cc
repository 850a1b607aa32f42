#include "lanes/schedule.h"

#include <gtest/gtest.h>

#include <deque>
#include <string>

namespace heddle {
namespace {

constexpr uint64_t kStart = 1'000 * kNsPerSecond;

// A schedule with a clock that stands still until it is moved, and the memory of its jobs.
struct Bench {
  explicit Bench(unsigned slots) : s(slots) {}
  LaneId lane(LaneConfig config) {
    const auto added = s.add(config, now);
    EXPECT_TRUE(added) << (added ? "" : added.error().message);
    return added ? *added : 0;
  }
  LaneId lane(const std::string& name, uint32_t priority, uint32_t min = 0, uint32_t max = LaneConfig::kNoLimit) {
    return lane(LaneConfig{.name = name, .priority = priority, .min_concurrency = min, .max_concurrency = max});
  }
  Job* push(LaneId id, uint64_t key = 0, uint8_t priority = 0) {
    Job& job = jobs.emplace_back();
    job.lane = id;
    job.key = key;
    job.priority = priority;
    job.submitted_ns = now;
    s.push(&job, now);
    return &job;
  }
  // One job, and which lane it was of; -1: none.
  Job* take() { return s.take(now, 1).first; }
  int64_t take_lane() {
    const auto batch = s.take(now, 1);
    return batch.count ? static_cast<int64_t>(batch.lane) : -1;
  }
  // Takes one and lets it end.
  Job* run() {
    const auto batch = s.take(now, 1);
    if (batch.count) s.done(batch.lane, 1);
    return batch.first;
  }

  Schedule s;
  uint64_t now = kStart;
  std::deque<Job> jobs;
};

TEST(Schedule, TheHighestPriorityStartsFirstWhateverTheOrderOfArrival) {
  Bench b(8);
  const LaneId low = b.lane("low", 5), high = b.lane("high", 0), middle = b.lane("middle", 3);
  Job* const l = b.push(low);
  Job* const m = b.push(middle);
  Job* const h = b.push(high);
  EXPECT_EQ(b.take(), h);
  EXPECT_EQ(b.take(), m);
  EXPECT_EQ(b.take(), l);
  EXPECT_FALSE(b.s.can_take(b.now));
}

TEST(Schedule, WithinALaneFirstComeFirstServed) {
  Bench b(100);
  const LaneId l = b.lane("l", 1);
  std::vector<Job*> jobs;
  for (int i = 0; i < 50; ++i) jobs.push_back(b.push(l));
  for (Job* job : jobs) EXPECT_EQ(b.take(), job);
}

TEST(Schedule, ALaneMayServeItsJobsByTheirPriority) {
  Bench b(100);
  const LaneId l = b.lane({.name = "l", .order = LaneOrder::kPriority});
  Job* const slow = b.push(l, 0, 9);
  Job* const first = b.push(l, 0, 2);
  Job* const second = b.push(l, 0, 2);
  EXPECT_EQ(b.take(), first);
  EXPECT_EQ(b.take(), second);
  EXPECT_EQ(b.take(), slow);
}

TEST(Schedule, KeysOfAFairLaneTakeTurnsHoweverManyJobsOneHas) {
  Bench b(100);
  const LaneId l = b.lane({.name = "l", .order = LaneOrder::kFair});
  for (int i = 0; i < 20; ++i) b.push(l, 1);
  b.push(l, 2);
  b.push(l, 3);
  std::string order;
  for (int i = 0; i < 6; ++i) order += std::to_string(b.take()->key);
  EXPECT_EQ(order, "123111");
}

TEST(Schedule, ALaneNeverExceedsItsMaximum) {
  Bench b(8);
  const LaneId l = b.lane("l", 1, 0, 2);
  b.push(l);
  b.push(l);
  Job* const third = b.push(l);
  EXPECT_TRUE(b.take());
  EXPECT_TRUE(b.take());
  EXPECT_FALSE(b.take());
  b.s.done(l, 1);
  EXPECT_EQ(b.take(), third);
}

TEST(Schedule, ThePoolIsNeverOversubscribed) {
  Bench b(2);
  const LaneId one = b.lane("one", 0), two = b.lane("two", 1, 1);
  b.push(one);
  b.push(two);
  b.push(two);
  b.push(one);
  EXPECT_EQ(b.take_lane(), one);
  EXPECT_EQ(b.take_lane(), two);
  EXPECT_FALSE(b.take());
}

TEST(Schedule, ReservationsNeverTakeTheLastSlot) {
  Bench b(2);
  b.lane("a", 0, 2);
  const LaneId other = b.lane("other", 9);
  Job* const job = b.push(other);
  EXPECT_EQ(b.take(), job);
}

TEST(Schedule, ABatchIsOfOneLaneAndTakesOneSlot) {
  Bench b(2);
  const LaneId high = b.lane("high", 1, 0, 1), low = b.lane("low", 2);
  std::vector<Job*> jobs;
  for (int i = 0; i < 5; ++i) jobs.push_back(b.push(high));
  b.push(low);
  const auto batch = b.s.take(b.now, 3);
  EXPECT_EQ(batch.count, 3u);
  EXPECT_EQ(batch.first, jobs[0]);
  EXPECT_EQ(batch.first->next->next, jobs[2]);
  EXPECT_EQ(b.s.running(), 1u);
  EXPECT_EQ(b.take_lane(), low) << "the lane's one slot is taken";
}

TEST(Schedule, WhatComesBackOfABatchGoesFirstAgain) {
  Bench b(1);
  const LaneId l = b.lane("l", 1);
  std::vector<Job*> jobs;
  for (int i = 0; i < 5; ++i) jobs.push_back(b.push(l));
  auto batch = b.s.take(b.now, 4);
  b.s.give_back({.lane = l, .level = batch.level, .count = 3, .first = batch.first->next}, b.now);
  b.s.done(l, 1);
  for (int i = 1; i < 5; ++i) EXPECT_EQ(b.run(), jobs[static_cast<size_t>(i)]);
  EXPECT_EQ(b.s.stats(l).started, 5u);
  EXPECT_EQ(b.s.stats(l).completed, 5u);
}

TEST(Schedule, LanesOfEqualPriorityTakeTurns) {
  Bench b(100);
  const LaneId lanes[] = {b.lane("a", 3), b.lane("b", 3), b.lane("c", 3)};
  for (int i = 0; i < 30; ++i) b.push(lanes[i / 10]);
  std::vector<int> counts(3);
  for (int i = 0; i < 15; ++i) ++counts[static_cast<size_t>(b.take_lane())];
  EXPECT_EQ(counts, (std::vector<int>{5, 5, 5}));
}

TEST(Schedule, ADelayedJobWaitsForItsTimeAndACancelledOneNeverComes) {
  Bench b(4);
  const LaneId l = b.lane("l", 1);
  Job later[3];
  for (Job& job : later) job.lane = l;
  b.s.delay(&later[0], kStart + 300);
  b.s.delay(&later[1], kStart + 100);
  b.s.delay(&later[2], kStart + 200);
  EXPECT_FALSE(b.take());
  EXPECT_EQ(b.s.next_ns(), kStart + 100);
  EXPECT_TRUE(b.s.cancel(&later[2]));
  EXPECT_FALSE(b.s.cancel(&later[2]));
  b.now += 250;
  EXPECT_EQ(b.take(), &later[1]);
  EXPECT_FALSE(b.take());
  EXPECT_EQ(b.s.next_ns(), kStart + 300);
  b.now += 50;
  EXPECT_EQ(b.take(), &later[0]);
  EXPECT_EQ(b.s.next_ns(), 0u);
}

TEST(Schedule, AWaitingJobCanBeCancelledAndAStartedOneCannot) {
  for (const LaneOrder order : {LaneOrder::kFifo, LaneOrder::kPriority, LaneOrder::kFair}) {
    Bench b(4);
    const LaneId l = b.lane({.name = "l", .order = order});
    Job* const first = b.push(l, 1, 1);
    Job* const middle = b.push(l, 2, 2);
    Job* const last = b.push(l, 3, 3);
    EXPECT_TRUE(b.s.cancel(middle));
    EXPECT_EQ(b.take(), first);
    EXPECT_FALSE(b.s.cancel(first));
    EXPECT_EQ(b.take(), last);
    EXPECT_EQ(b.s.stats(l).waiting, 0u);
  }
}

TEST(Schedule, AJobRisesAsItsTimeRunsOut) {
  Bench b(1);
  const LaneId slow = b.lane({.name = "slow", .priority = 5, .boost = standard_boost(1'000)}), other = b.lane("other", 3);
  Job* const job = b.push(slow);
  const auto level = [&] {
    (void)b.s.can_take(b.now);
    return static_cast<int>(job->level);
  };
  EXPECT_EQ(level(), 5);
  b.now = kStart + 249;
  EXPECT_EQ(level(), 5);
  b.now = kStart + 250;
  EXPECT_EQ(level(), 4);
  b.now = kStart + 500;
  EXPECT_EQ(level(), 3);
  b.now = kStart + 760;
  EXPECT_EQ(level(), 2);
  b.push(other);
  EXPECT_EQ(b.run(), job) << "two levels up, it is before the lane of priority 3";
  Job* const due = b.push(slow);
  b.now += 1'000;
  (void)b.s.can_take(b.now);
  EXPECT_EQ(due->level, 0);
}

TEST(Schedule, APausedLaneKeepsItsJobsAndItsReservedSlotsAreFree) {
  Bench b(2);
  const LaneId kept = b.lane("kept", 1, 1), other = b.lane("other", 2);
  Job* const job = b.push(kept);
  b.s.pause(kept);
  b.push(other);
  b.push(other);
  EXPECT_EQ(b.take_lane(), other);
  EXPECT_EQ(b.take_lane(), other);
  b.s.done(other, 1);
  b.s.resume(kept);
  EXPECT_EQ(b.take(), job);
}

TEST(Schedule, PressureAndIdleAreToldOnce) {
  Bench b(1);
  const LaneId l = b.lane({.name = "l", .pressure_threshold = 3});
  const auto told = [&] {
    std::string text;
    for (const auto& notice : b.s.take_notices()) text += notice.kind == LaneNotice::kPressure ? 'p' : 'i';
    return text;
  };
  for (int i = 0; i < 5; ++i) b.push(l);
  EXPECT_EQ(told(), "p");
  for (int i = 0; i < 4; ++i) b.run();
  b.push(l);
  EXPECT_EQ(told(), "");
  b.run();
  EXPECT_EQ(told(), "");
  b.run();
  EXPECT_EQ(told(), "i");
}

// --- lanes.md, Acceptance -----------------------------------------------------------------------------------------------------------------------------------------

TEST(Acceptance, A01_LanesOfEqualPriorityProgressWithinTenPercentOfTheirWeights) {
  for (const uint32_t most : {1u, 8u}) {
    for (const uint32_t limit : {1u, LaneConfig::kNoLimit}) {
      Bench b(2);
      const uint32_t weights[] = {1, 2, 5, 10};
      std::vector<LaneId> lanes;
      for (const uint32_t w : weights) lanes.push_back(b.lane({.name = std::to_string(w), .max_concurrency = limit, .weight = w}));
      std::vector<uint64_t> started(4);
      constexpr uint64_t kJobs = 36'000;
      for (const LaneId l : lanes) {
        for (uint64_t i = 0; i < kJobs; ++i) b.push(l);
      }
      for (uint64_t n = 0; n < kJobs;) {
        const auto batch = b.s.take(b.now, most);
        started[batch.lane] += batch.count;
        n += batch.count;
        b.s.done(batch.lane, batch.count);
      }
      for (size_t i = 0; i < 4; ++i) {
        const double share = static_cast<double>(started[i]) / kJobs, wanted = weights[i] / 18.0;
        EXPECT_NEAR(share, wanted, wanted * 0.1) << "weight " << weights[i] << ", batches of " << most;
      }
    }
  }
}

TEST(Acceptance, A02_ReservedSlotsHoldWhileAHigherLaneIsSaturated) {
  Bench b(4);
  const LaneId high = b.lane("high", 0), low = b.lane("low", 5, 2);
  for (int i = 0; i < 10; ++i) b.push(high);
  EXPECT_EQ(b.take_lane(), high);
  EXPECT_EQ(b.take_lane(), high);
  EXPECT_FALSE(b.take()) << "two of four slots are kept for low";
  for (int i = 0; i < 10; ++i) b.push(low);
  EXPECT_EQ(b.take_lane(), low);
  EXPECT_EQ(b.take_lane(), low);
  EXPECT_FALSE(b.take());
  b.s.done(low, 1);
  EXPECT_EQ(b.take_lane(), low);
  b.s.done(high, 1);
  EXPECT_EQ(b.take_lane(), high);
}

TEST(Acceptance, A06_ARateIsMetWithinOnePercentAndTheBurstIsIntactAfterIdleness) {
  for (const uint64_t rate : {1, 50, 60, 80, 1'000, 100'000}) {
    Bench b(1);
    const uint64_t burst = std::min<uint64_t>(rate, 10);
    const LaneId l = b.lane({.name = "l", .rates = {{.count = rate, .burst = burst}}});
    const auto run_for = [&](uint64_t ns) {
      uint64_t started = 0;
      for (const uint64_t end = b.now + ns; b.now < end;) {
        while (b.s.waiting(l) < 2) b.push(l);
        if (b.run()) ++started;
        else b.now = std::max(b.now + 1, b.s.next_ns());
      }
      return started;
    };
    const uint64_t seconds = std::max<uint64_t>(1, 1'000 / rate);
    EXPECT_EQ(run_for(1), burst) << rate;
    const uint64_t started = run_for(seconds * kNsPerSecond);
    EXPECT_NEAR(static_cast<double>(started), static_cast<double>(rate * seconds), static_cast<double>(rate * seconds) * 0.01 + 1) << rate;
    b.now += 3'600 * kNsPerSecond;
    EXPECT_EQ(run_for(1), burst) << rate << ": after idleness";
  }
}

TEST(Acceptance, A06_AWindowNeverSeesMoreThanItsCount) {
  Bench b(1);
  const LaneId l = b.lane({.name = "l", .rates = {{.count = 5, .per_ns = 100, .kind = RateLimit::Kind::kWindow}}});
  std::vector<uint64_t> starts;
  for (int i = 0; i < 400; ++i) {
    while (b.s.waiting(l) < 2) b.push(l);
    while (b.run()) starts.push_back(b.now);
    b.now += 7;
  }
  EXPECT_NEAR(static_cast<double>(starts.size()), 5 * 400 * 7 / 100.0, 6);
  for (size_t i = 5; i < starts.size(); ++i) EXPECT_GE(starts[i] - starts[i - 5], 100u);
}

TEST(Acceptance, A09_TheJobOfTheRightLaneIsFoundAmongThousands) {
  Bench b(8);
  std::vector<LaneId> lanes;
  for (uint32_t i = 0; i < 4'096; ++i) lanes.push_back(b.lane("l" + std::to_string(i), i % 256));
  Job* const third = b.push(lanes[599]);  // priority 87
  Job* const last = b.push(lanes[255]);
  Job* const first = b.push(lanes[512]);  // priority 0
  EXPECT_EQ(b.take(), first);
  EXPECT_EQ(b.take(), third);
  EXPECT_EQ(b.take(), last);
}

TEST(Acceptance, A11_ReplacingALaneKeepsItsQueue) {
  for (const LaneOrder order : {LaneOrder::kFifo, LaneOrder::kPriority, LaneOrder::kFair}) {
    Bench b(4);
    const LaneId l = b.lane("l", 5, 0, 1);
    std::vector<Job*> jobs;
    for (int i = 0; i < 3; ++i) jobs.push_back(b.push(l));
    EXPECT_EQ(b.take(), jobs[0]);
    EXPECT_FALSE(b.s.can_take(b.now));
    EXPECT_EQ(b.lane({.name = "l", .priority = 0, .max_concurrency = 3, .order = order}), l);
    EXPECT_EQ(b.take(), jobs[1]);
    EXPECT_EQ(b.take(), jobs[2]);
    const LaneStats stats = b.s.stats(l);
    EXPECT_EQ(stats.submitted, 3u);
    EXPECT_EQ(stats.started, 3u);
    EXPECT_EQ(stats.running, 3u);
  }
}

TEST(Acceptance, A12_AMaximumOfNoneOrBelowTheMinimumIsRefused) {
  Schedule s(4);
  const auto refused = [&](LaneConfig config) {
    const auto added = s.add(config, kStart);
    return added ? std::string() : added.error().message;
  };
  EXPECT_NE(refused({.name = "l", .min_concurrency = 3, .max_concurrency = 2}), "");
  EXPECT_NE(refused({.name = "l", .max_concurrency = 0}).find("pause"), std::string::npos);
  EXPECT_NE(refused({.name = "l", .priority = 256}), "");
  EXPECT_NE(refused({.name = ""}), "");
  EXPECT_NE(refused({.name = "l", .weight = 0}), "");
  EXPECT_NE(refused({.name = "l", .depth = 0}), "");
  EXPECT_NE(refused({.name = "l", .rates = {{.count = 0}}}), "");
  EXPECT_NE(refused({.name = "l", .boost = {100, {{50, 1}, {75, 2}}}}), "");
  EXPECT_FALSE(s.find("l"));
}

}  // namespace
}  // namespace heddle
