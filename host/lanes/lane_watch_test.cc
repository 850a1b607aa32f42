#include "lanes/lane_watch.h"

#include <gtest/gtest.h>

namespace heddle {
namespace {

AlertLevel level_of(const std::optional<Alert>& change) { return change ? change->level : AlertLevel::kNone; }

TEST(LaneWatch, RaisesOnceAndClearsOnce) {
  LaneWatch watch;
  EXPECT_FALSE(watch.depth(99));
  const auto raised = watch.depth(100);
  ASSERT_TRUE(raised);
  EXPECT_EQ(raised->level, AlertLevel::kWarning);
  EXPECT_EQ(raised->text(), "warning: 100 jobs wait (limit 100)");
  EXPECT_FALSE(watch.depth(150));
  EXPECT_FALSE(watch.depth(80)) << "four fifths: it does not flutter";
  const auto cleared = watch.depth(79);
  ASSERT_TRUE(cleared);
  EXPECT_EQ(cleared->text(), "over: 79 jobs wait (limit 100)");
  EXPECT_FALSE(watch.depth(0));
}

TEST(LaneWatch, GoesUpAndDownByLevels) {
  LaneWatch watch;
  EXPECT_EQ(level_of(watch.depth(200)), AlertLevel::kCritical);
  EXPECT_FALSE(watch.depth(160));
  EXPECT_EQ(level_of(watch.depth(159)), AlertLevel::kWarning);
  EXPECT_EQ(level_of(watch.depth(200)), AlertLevel::kCritical);
  const auto cleared = watch.depth(0);
  ASSERT_TRUE(cleared);
  EXPECT_EQ(cleared->level, AlertLevel::kNone);
}

TEST(LaneWatch, LooksAtTheLastJobsOnly) {
  LaneWatch watch;
  watch.set({.failure_percent = {50, 0}});
  for (size_t i = 0; i + 1 < LaneWatch::kFewest; ++i) EXPECT_FALSE(watch.ended(1, true)[0]) << "too few to say";
  EXPECT_EQ(level_of(watch.ended(1, true)[0]), AlertLevel::kWarning);
  size_t good = 0;
  while (!watch.ended(1, false)[0]) ASSERT_LT(++good, LaneWatch::kLast);
  EXPECT_EQ(watch.level(AlertKind::kFailures), AlertLevel::kNone);
  EXPECT_EQ(good, 30u) << "20 of 51 are 39 percent";
}

TEST(LaneWatch, KnowsTheLatencyOfNinetyFiveInAHundred) {
  LaneWatch watch;
  watch.set({.latency_p95_ms = {100, 1'000}});
  for (int i = 0; i < 95; ++i) EXPECT_FALSE(watch.ended(10, false)[1]);
  bool raised = false;
  for (int i = 0; i < 8 && !raised; ++i) raised = level_of(watch.ended(500, false)[1]) == AlertLevel::kWarning;
  EXPECT_TRUE(raised);
}

TEST(LaneWatch, ALimitOfZeroIsNone) {
  LaneWatch watch;
  watch.set({.depth = {}, .oldest_ms = {}});
  EXPECT_FALSE(watch.depth(1'000'000));
  EXPECT_FALSE(watch.age(1'000'000));
}

}  // namespace
}  // namespace heddle
