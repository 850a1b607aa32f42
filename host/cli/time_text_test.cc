#include "cli/time_text.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>

namespace heddle {
namespace {

constexpr uint64_t kNow = 1'795'246'000'000, kSecond = 1000, kMinute = 60 * kSecond, kHour = 60 * kMinute, kDay = 24 * kHour;

class TimeText : public ::testing::Test {
 protected:
  void SetUp() override {
    ::setenv("TZ", "UTC", 1);
    ::tzset();
  }
};

TEST_F(TimeText, DurationsHaveOneUnit) {
  EXPECT_EQ(brief_duration(0), "0 ms");
  EXPECT_EQ(brief_duration(0.047), "47 µs");
  EXPECT_EQ(brief_duration(0.42), "0.4 ms");
  EXPECT_EQ(brief_duration(12.7), "12 ms");
  EXPECT_EQ(brief_duration(999.9), "999 ms");
  EXPECT_EQ(brief_duration(1200), "1.2 s");
  EXPECT_EQ(brief_duration(59'999), "59 s");
  EXPECT_EQ(brief_duration(3 * 60'000), "3 min");
  EXPECT_EQ(brief_duration(2 * 3'600'000.0), "2 h");
  EXPECT_EQ(brief_duration(47 * 3'600'000.0), "47 h");
  EXPECT_EQ(brief_duration(5 * 86'400'000.0), "5 d");
}

TEST_F(TimeText, AnAgeIsSaidAsPeopleDo) {
  EXPECT_EQ(relative_time(kNow - 400, kNow), "now");
  EXPECT_EQ(relative_time(kNow - 12 * kSecond, kNow), "12 s ago");
  EXPECT_EQ(relative_time(kNow - 3 * kMinute - 59 * kSecond, kNow), "3 min ago");
  EXPECT_EQ(relative_time(kNow - 2 * kHour, kNow), "2 h ago");
  EXPECT_EQ(relative_time(kNow - 5 * kDay, kNow), "5 d ago");
  EXPECT_EQ(relative_time(kNow + 5 * kMinute, kNow), "in 5 min");
  EXPECT_EQ(relative_time(kNow - 100 * kDay, kNow), "2026-08-13");
}

TEST_F(TimeText, DurationsAreReadWithTheirUnit) {
  EXPECT_EQ(read_duration("1500"), 1500u);
  EXPECT_EQ(read_duration("250ms"), 250u);
  EXPECT_EQ(read_duration("30s"), 30 * kSecond);
  EXPECT_EQ(read_duration("5m"), 5 * kMinute);
  EXPECT_EQ(read_duration("2h"), 2 * kHour);
  EXPECT_EQ(read_duration("1d"), kDay);
  for (const char* const wrong : {"", "s", "5 m", "-1", "1.5s", "5x", "99999999999999999999", "99999999999d"}) EXPECT_EQ(read_duration(wrong), std::nullopt) << wrong;
}

TEST_F(TimeText, TimesAreReadAsPeopleWriteThem) {
  EXPECT_EQ(read_time("1795246000000"), kNow);
  EXPECT_EQ(read_time("2026-11-21T07:26:40Z"), kNow);
  EXPECT_EQ(read_time("2026-11-21T08:26:40+01:00"), kNow);
  EXPECT_EQ(read_time("2026-11-21 07:26:40"), kNow);
  EXPECT_EQ(read_time("2026-11-21 07:26"), kNow - 40 * kSecond);
  for (const char* const wrong : {"", "tomorrow", "2026-13-01T00:00:00Z", "2026-11-21", "2026-11-21T07:26:40Zx"}) EXPECT_EQ(read_time(wrong), std::nullopt) << wrong;
  EXPECT_EQ(local_time(kNow), "2026-11-21 07:26:40");
  EXPECT_EQ(local_clock(kNow + 7), "07:26:40.007");
  EXPECT_EQ(utc_time(1'795'246'000'007), "2026-11-21T07:26:40.007Z");
}

}  // namespace
}  // namespace heddle
