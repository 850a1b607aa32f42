#include "cli/progress.h"

#include <gtest/gtest.h>

#include "clock.h"

namespace heddle {
namespace {

ProgressView half_way() {
  ProgressView view;
  view.counts = {1234, 1200, 3};
  view.elapsed_ns = 10 * kNsPerSecond;
  view.items_per_second = 2345.6;
  view.input_bytes = 1000;
  view.bytes_read = 500;
  return view;
}

TEST(Progress, GroupsThousands) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1000), "1,000");
  EXPECT_EQ(grouped(12345678), "12,345,678");
  EXPECT_EQ(grouped(UINT64_MAX), "18,446,744,073,709,551,615");
}

TEST(Progress, WritesDurationsAsPeopleDo) {
  EXPECT_EQ(short_duration(0), "0:00");
  EXPECT_EQ(short_duration(65), "1:05");
  EXPECT_EQ(short_duration(3600 + 62), "1:01:02");
}

TEST(Progress, BarShowsShareRateErrorsAndWhatIsLeft) {
  EXPECT_EQ(progress_bar(half_way(), 100), "[===============>              ]  50 %  1,234 items  2,345/s  3 errors  ETA 0:10");
}

TEST(Progress, BarNeverExceedsTheTerminal) {
  for (unsigned columns : {1u, 10u, 40u, 60u, 80u, 200u}) EXPECT_LE(progress_bar(half_way(), columns).size(), columns);
}

TEST(Progress, WithoutAKnownSizeThereIsNoBarAndNoEta) {
  ProgressView view = half_way();
  view.input_bytes.reset();
  EXPECT_EQ(progress_bar(view, 80), "0:10  1,234 items  2,345/s  3 errors");
}

TEST(Progress, AFileThatGrewWhileItWasReadIsAtMostComplete) {
  ProgressView view = half_way();
  view.bytes_read = 5000;
  EXPECT_NE(progress_bar(view, 80).find("100 %"), std::string::npos);
}

TEST(Progress, OneErrorIsNotPlural) {
  ProgressView view = half_way();
  view.counts = {1, 1, 1};
  EXPECT_EQ(progress_line(view), "1 item read, 1 written, 1 error, 2,345 items/s");
}

TEST(CounterRate, FollowsTheCounter) {
  CounterRate rate;
  EXPECT_EQ(rate.update(0, kNsPerSecond), 0);
  EXPECT_EQ(rate.update(100, 2 * kNsPerSecond), 100);
  double faster = rate.update(1100, 3 * kNsPerSecond);
  EXPECT_GT(faster, 100);
  EXPECT_LT(faster, 1000);
}

}  // namespace
}  // namespace heddle
