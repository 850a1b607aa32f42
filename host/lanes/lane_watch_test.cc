#include "lanes/lane_watch.h"

#include <gtest/gtest.h>

namespace heddle {
namespace {

AlertLevel level_of(const std::optional<Alert>& change) { return change ? change->level : AlertLevel::kNone; }

constexpr uint64_t kSettle = LaneWatch::kSettleMs;

TEST(LaneWatch, RaisesOnceAndClearsOnce) {
  LaneWatch watch;
  EXPECT_FALSE(watch.depth(99, 1));
  const auto raised = watch.depth(100, 2);
  ASSERT_TRUE(raised);
  EXPECT_EQ(raised->level, AlertLevel::kWarning);
  EXPECT_EQ(raised->text(), "warning: 100 jobs wait (limit 100)");
  EXPECT_FALSE(watch.depth(150, 3));
  EXPECT_FALSE(watch.depth(50, 10));
  EXPECT_EQ(watch.settles_ms(), 10 + kSettle);
  EXPECT_FALSE(watch.depth(120, 11)) << "back before it settled";
  EXPECT_EQ(watch.settles_ms(), 0u);
  EXPECT_FALSE(watch.depth(79, 20));
  EXPECT_FALSE(watch.settle(19 + kSettle)[0]);
  const auto cleared = watch.settle(20 + kSettle)[0];
  ASSERT_TRUE(cleared);
  EXPECT_EQ(cleared->text(), "over: 79 jobs wait (limit 100)");
  EXPECT_FALSE(watch.depth(0, 21 + kSettle));
  EXPECT_EQ(watch.settles_ms(), 0u);
}

TEST(LaneWatch, AMillionUpsAndDownsAreFewChanges) {
  LaneWatch watch;
  int changes = 0;
  for (uint64_t i = 0; i < 1'000'000; ++i) changes += watch.depth(i % 300, 1 + i / 1'000) ? 1 : 0;  // a second
  EXPECT_EQ(changes, 2) << "a warning, then critical";
}

TEST(LaneWatch, GoesUpAndDownByLevels) {
  LaneWatch watch;
  EXPECT_EQ(level_of(watch.depth(200, 1)), AlertLevel::kCritical);
  EXPECT_FALSE(watch.depth(150, 2));
  EXPECT_EQ(level_of(watch.depth(150, 2 + kSettle)), AlertLevel::kWarning);
  EXPECT_EQ(level_of(watch.depth(200, 3 + kSettle)), AlertLevel::kCritical);
  EXPECT_FALSE(watch.depth(0, 4 + kSettle));
  const auto cleared = watch.depth(0, 4 + 2 * kSettle);
  ASSERT_TRUE(cleared);
  EXPECT_EQ(cleared->level, AlertLevel::kNone);
}

TEST(LaneWatch, LooksAtTheLastJobsOnly) {
  LaneWatch watch;
  watch.set({.failure_percent = {50, 0}});
  const size_t failures = static_cast<size_t>(AlertKind::kFailures);
  for (size_t i = 0; i + 1 < LaneWatch::kFewest; ++i) {
    for (const auto& change : watch.ended(1, true, 1)) EXPECT_FALSE(change) << "too few to say";
  }
  EXPECT_EQ(level_of(watch.ended(1, true, 1)[0]), AlertLevel::kWarning);
  for (int good = 0; good < 20; ++good) watch.ended(1, false, 2);
  EXPECT_EQ(watch.settles_ms(), 0u) << "20 of 40 are 50 percent";
  watch.ended(1, false, 3);
  EXPECT_EQ(level_of(watch.settle(3 + kSettle)[failures]), AlertLevel::kNone);
  EXPECT_EQ(watch.level(AlertKind::kFailures), AlertLevel::kNone);
}

TEST(LaneWatch, KnowsTheLatencyOfNinetyFiveInAHundred) {
  LaneWatch watch;
  watch.set({.latency_p95_ms = {100, 1'000}});
  for (int i = 0; i < 95; ++i) watch.ended(10, false, 1);
  EXPECT_EQ(watch.level(AlertKind::kLatency), AlertLevel::kNone);
  for (int i = 0; i < 8; ++i) watch.ended(500, false, 1);
  EXPECT_EQ(watch.level(AlertKind::kLatency), AlertLevel::kWarning);
}

TEST(LaneWatch, ALimitOfZeroIsNone) {
  LaneWatch watch;
  watch.set({.depth = {}, .oldest_ms = {}});
  EXPECT_FALSE(watch.depth(1'000'000, 1));
  EXPECT_FALSE(watch.age(1'000'000, 1));
}

}  // namespace
}  // namespace heddle
