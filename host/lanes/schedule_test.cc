#include "lanes/schedule.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace heddle {
namespace {

LaneId lane(Schedule& s, const std::string& name, uint32_t priority, uint32_t min = 0, uint32_t max = 0) {
  auto added = s.add({name, priority, min, max});
  EXPECT_TRUE(added);
  return *added;
}

TEST(Schedule, TheHighestPriorityStartsFirstWhateverTheOrderOfArrival) {
  Schedule s(8);
  const LaneId low = lane(s, "low", 5), high = lane(s, "high", 0), middle = lane(s, "middle", 3);
  std::array<Job, 3> jobs;
  s.push(low, &jobs[0]);
  s.push(middle, &jobs[1]);
  s.push(high, &jobs[2]);
  EXPECT_EQ(s.take().job, &jobs[2]);
  EXPECT_EQ(s.take().job, &jobs[1]);
  EXPECT_EQ(s.take().job, &jobs[0]);
  EXPECT_FALSE(s.can_take());
}

TEST(Schedule, WithinALaneFirstComeFirstServed) {
  Schedule s(100);
  const LaneId l = lane(s, "l", 1);
  std::array<Job, 50> jobs;
  for (Job& j : jobs) s.push(l, &j);
  for (Job& j : jobs) EXPECT_EQ(s.take().job, &j);
}

TEST(Schedule, ALaneNeverExceedsItsMaximum) {
  Schedule s(8);
  const LaneId l = lane(s, "l", 1, 0, 2);
  std::array<Job, 3> jobs;
  for (Job& j : jobs) s.push(l, &j);
  EXPECT_TRUE(s.take().job);
  EXPECT_TRUE(s.take().job);
  EXPECT_FALSE(s.take().job);
  s.done(l, true);
  EXPECT_EQ(s.take().job, &jobs[2]);
}

TEST(Schedule, ThePoolIsNeverOversubscribed) {
  Schedule s(2);
  const LaneId a = lane(s, "a", 0), b = lane(s, "b", 1, 1);
  std::array<Job, 4> jobs;
  s.push(a, &jobs[0]);
  s.push(b, &jobs[1]);
  s.push(b, &jobs[2]);
  s.push(a, &jobs[3]);
  EXPECT_EQ(s.take().lane, a);
  EXPECT_EQ(s.take().lane, b);
  EXPECT_FALSE(s.take().job);
}

TEST(Schedule, ReservedSlotsHoldWhileAHigherLaneIsSaturated) {
  Schedule s(4);
  const LaneId high = lane(s, "high", 0), low = lane(s, "low", 5, 2);
  std::array<Job, 10> flood, work;
  for (Job& j : flood) s.push(high, &j);
  EXPECT_EQ(s.take().lane, high);
  EXPECT_EQ(s.take().lane, high);
  EXPECT_FALSE(s.take().job) << "two of four slots are kept for low";
  for (Job& j : work) s.push(low, &j);
  EXPECT_EQ(s.take().lane, low);
  EXPECT_EQ(s.take().lane, low);
  EXPECT_FALSE(s.take().job);
  s.done(low, true);
  EXPECT_EQ(s.take().lane, low);
  s.done(high, true);
  EXPECT_EQ(s.take().lane, high);
}

TEST(Schedule, ReservationsNeverTakeTheLastSlot) {
  Schedule s(2);
  lane(s, "a", 0, 2);
  const LaneId other = lane(s, "other", 9);
  Job job;
  s.push(other, &job);
  EXPECT_EQ(s.take().job, &job);
}

TEST(Schedule, LanesOfEqualPriorityTakeTurns) {
  Schedule s(100);
  const LaneId a = lane(s, "a", 3), b = lane(s, "b", 3), c = lane(s, "c", 3);
  std::array<Job, 30> jobs;
  for (size_t i = 0; i < jobs.size(); ++i) s.push(i < 10 ? a : i < 20 ? b : c, &jobs[i]);
  std::array<int, 3> counts{};
  for (int i = 0; i < 15; ++i) ++counts[s.take().lane];
  EXPECT_EQ(counts, (std::array<int, 3>{5, 5, 5}));
}

TEST(Schedule, ReplacingALaneKeepsItsQueueAndItsCounts) {
  Schedule s(4);
  const LaneId l = lane(s, "l", 5, 0, 1);
  std::array<Job, 3> jobs;
  for (Job& j : jobs) s.push(l, &j);
  s.take();
  EXPECT_FALSE(s.can_take());
  EXPECT_EQ(lane(s, "l", 0, 0, 3), l);
  EXPECT_EQ(s.take().job, &jobs[1]);
  EXPECT_EQ(s.take().job, &jobs[2]);
  const auto stats = s.stats();
  EXPECT_EQ(stats[l].submitted, 3u);
  EXPECT_EQ(stats[l].started, 3u);
  EXPECT_EQ(stats[l].running, 3u);
}

TEST(Schedule, RefusesWhatCannotBe) {
  Schedule s(4);
  EXPECT_FALSE(s.add({"l", 1, 3, 2}));
  EXPECT_FALSE(s.add({"l", 256, 0, 0}));
  EXPECT_FALSE(s.add({"", 1, 0, 0}));
  EXPECT_FALSE(s.find("l"));
}

TEST(Schedule, FindsTheRightLaneAmongManyHundreds) {
  Schedule s(8);
  std::vector<LaneId> lanes;
  for (uint32_t i = 0; i < 600; ++i) lanes.push_back(lane(s, "l" + std::to_string(i), i % 256));
  std::array<Job, 3> jobs;
  s.push(lanes[599], &jobs[0]);  // priority 87
  s.push(lanes[255], &jobs[1]);
  s.push(lanes[512], &jobs[2]);  // priority 0
  EXPECT_EQ(s.take().job, &jobs[2]);
  EXPECT_EQ(s.take().job, &jobs[0]);
  EXPECT_EQ(s.take().job, &jobs[1]);
}

TEST(RankSet, FindsTheSmallestMemberFromAnyBound) {
  constexpr size_t kSize = 5000;  // more than one word of summary
  const std::vector<size_t> members = {0, 63, 64, 127, 4095, 4096, 4999};
  RankSet set;
  set.reset(kSize);
  EXPECT_EQ(set.first(), RankSet::kNone);
  for (size_t m : members) set.set(m, true);
  size_t next = 0;
  for (size_t from = 0; from <= kSize + 100; ++from) {
    while (next < members.size() && members[next] < from) ++next;
    ASSERT_EQ(set.first(from), next < members.size() ? members[next] : RankSet::kNone) << from;
  }
  for (size_t m : members) set.set(m, false);
  EXPECT_EQ(set.first(), RankSet::kNone);
}

}  // namespace
}  // namespace heddle
