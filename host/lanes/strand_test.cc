#include "lanes/strand.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>
#include <thread>
#include <vector>

namespace heddle {
namespace {

struct Place {
  Lanes lanes{2};
  LaneId lane = *lanes.find("default");
};

TEST(StrandTest, RunsOneAfterTheOtherInTheirOrder) {
  Place place;
  Strand strand(place.lanes, place.lane);
  constexpr int kEach = 2'000;
  std::vector<int> last(2, -1);  // without a lock: it would be a data race
  std::promise<void> done;
  int left = 2 * kEach;
  std::vector<std::thread> givers;
  for (size_t who = 0; who < 2; ++who) {
    givers.emplace_back([&, who] {
      for (int i = 0; i < kEach; ++i) {
        strand.run([&, who, i] {
          EXPECT_EQ(last[who], i - 1);
          last[who] = i;
          if (--left == 0) done.set_value();
        });
      }
    });
  }
  for (std::thread& giver : givers) giver.join();
  done.get_future().get();
}

TEST(StrandTest, RunsLaterAndFromInside) {
  Place place;
  Strand strand(place.lanes, place.lane);
  std::promise<void> done;
  strand.at(now_ns() + kNsPerMs, [&] { strand.run([&] { done.set_value(); }); });
  done.get_future().get();
}

TEST(StrandTest, NothingRunsAfterClose) {
  Place place;
  for (int round = 0; round < 50; ++round) {
    std::atomic<bool> over{false}, late{false};
    const auto held = std::make_shared<int>(0);
    {
      Strand strand(place.lanes, place.lane);
      for (int i = 0; i < 200; ++i) strand.run([&, held] { late = late || over; });
      strand.at(now_ns() + 3600 * kNsPerSecond, [held] {});
      strand.close();
      over = true;
      strand.run([&, held] { late = true; });
    }
    EXPECT_EQ(held.use_count(), 1);
    EXPECT_FALSE(late);
  }
}

}  // namespace
}  // namespace heddle
