#include "lanes/errands.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>

namespace heddle {
namespace {

struct Place {
  Lanes lanes{2};
  LaneId lane = *lanes.find("default");
};

TEST(Errands, RunNowOrLater) {
  Place place;
  Errands errands(place.lanes, place.lane);
  std::promise<void> now, later;
  errands.at(now_ns() + kNsPerMs, [&] { later.set_value(); });
  errands.run([&] { now.set_value(); });
  now.get_future().get();
  later.get_future().get();
}

TEST(Errands, CanBeTakenBackUntilTheyBegin) {
  Place place;
  Errands errands(place.lanes, place.lane);
  const auto id = errands.at(now_ns() + 3600 * kNsPerSecond, [] { FAIL(); });
  EXPECT_TRUE(errands.take_back(id));
  EXPECT_FALSE(errands.take_back(id));
  EXPECT_FALSE(errands.take_back(0));
  place.lanes.pause(place.lane);
  std::atomic<bool> ran{false};
  const auto posted = errands.at(1, [&] { ran = true; });
  EXPECT_TRUE(errands.take_back(posted));
  place.lanes.resume(place.lane);
  EXPECT_FALSE(ran);
}

TEST(Errands, NoneIsLeftWhenTheirOwnerGoes) {
  Place place;
  for (int round = 0; round < 50; ++round) {
    std::atomic<bool> over{false}, late{false};
    const auto held = std::make_shared<int>(0);
    {
      Errands errands(place.lanes, place.lane);
      for (int i = 0; i < 20; ++i) {
        errands.run([&, held] { late = late || over; });
        errands.at(now_ns() + static_cast<uint64_t>(i) * 10'000, [&, held] { errands.run([&, held] { late = late || over; }); });
      }
    }
    over = true;
    EXPECT_EQ(held.use_count(), 1);
    EXPECT_FALSE(late);
  }
}

}  // namespace
}  // namespace heddle
