#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <latch>
#include <thread>

#include "clock.h"
#include "lanes/call_job.h"
#include "lanes/lanes.h"

namespace heddle {
namespace {

using Call = CallJob;

struct Pipe {
  Pipe() { EXPECT_EQ(::pipe(ends), 0); }
  ~Pipe() {
    close_write();
    ::close(ends[0]);
  }
  void close_write() {
    if (ends[1] >= 0) ::close(ends[1]);
    ends[1] = -1;
  }
  int ends[2];
};

TEST(Timers, GoOffInTheOrderOfTheirTimesAndNotEarly) {
  Lanes lanes(1);
  const LaneId lane = *lanes.find("default");
  std::string order;
  std::latch all(4);
  const uint64_t start = now_ns();
  std::atomic<bool> early{false};
  auto note = [&](char c, uint64_t due) {
    return [&, c, due] {
      if (now_ns() < due) early = true;
      order += c;
      all.count_down();
    };
  };
  const uint64_t ms = kNsPerMs;
  Call c(note('c', start + 30 * ms)), a(note('a', start + 10 * ms)), b(note('b', start + 20 * ms)), past(note('p', 0));
  lanes.at(start + 30 * ms, lane, &c);
  lanes.at(start + 10 * ms, lane, &a);
  lanes.at(start + 20 * ms, lane, &b);
  lanes.at(0, lane, &past);
  all.wait();
  EXPECT_EQ(order, "pabc");
  EXPECT_FALSE(early);
}

TEST(Timers, EqualTimesGoOffInTheOrderOfAsking) {
  Lanes lanes(1);
  std::string order;
  std::latch all(3);
  auto note = [&](char c) { return [&, c] { order += c, all.count_down(); }; };
  Call a(note('a')), b(note('b')), c(note('c'));
  const uint64_t when = now_ns() + 5 * kNsPerMs;
  for (Call* job : {&a, &b, &c}) lanes.at(when, *lanes.find("default"), job);
  all.wait();
  EXPECT_EQ(order, "abc");
}

TEST(Timers, ANearOneIsNotForgottenForAFarOneThatIsSetAtTheSameMoment) {
  Lanes lanes(2);
  const LaneId lane = *lanes.find("default");
  Call never([] {});
  const TimerId far = lanes.at(now_ns() + 3600 * kNsPerSecond, lane, &never);
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 3000; ++i) {
        std::latch rang(1);
        Call job([&] { rang.count_down(); });
        lanes.at(now_ns() + static_cast<uint64_t>(20'000 + (i * 7919 + t * 131) % 60'000), lane, &job);
        rang.wait();
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_TRUE(lanes.cancel(far));
}

TEST(Timers, ACancelledTimerNeverPostsAndALateCancelSaysSo) {
  Lanes lanes(1);
  const LaneId lane = *lanes.find("default");
  std::atomic<int> ran{0};
  std::latch last(1);
  Call never([&] { ++ran; }), sentinel([&] { last.count_down(); });
  const TimerId id = lanes.at(now_ns() + 5 * kNsPerMs, lane, &never);
  const TimerId later = lanes.at(now_ns() + 10 * kNsPerMs, lane, &sentinel);
  EXPECT_TRUE(lanes.cancel(id));
  EXPECT_FALSE(lanes.cancel(id));
  last.wait();
  EXPECT_FALSE(lanes.cancel(later));
  EXPECT_FALSE(lanes.cancel(12345));
  EXPECT_EQ(ran, 0);
}

TEST(Timers, CancelTellsTheTruthAtEveryMoment) {
  Lanes lanes(2);
  const LaneId lane = *lanes.find("default");
  constexpr int kRounds = 2000;
  std::atomic<int> ran{0};
  int cancelled = 0;
  std::vector<std::unique_ptr<Call>> jobs;
  for (int i = 0; i < kRounds; ++i) {
    jobs.push_back(std::make_unique<Call>([&] { ++ran; }));
    const TimerId id = lanes.at(now_ns() + static_cast<uint64_t>(i % 50) * 1000, lane, jobs.back().get());
    if (i % 3 == 0) std::this_thread::yield();
    if (lanes.cancel(id)) jobs.back().reset(), ++cancelled;  // the storage is ours again at once
  }
  while (ran + cancelled < kRounds) std::this_thread::yield();
  EXPECT_EQ(ran + cancelled, kRounds);
}

TEST(Readable, APipeWithDataPostsOnce) {
  Lanes lanes(1);
  const LaneId lane = *lanes.find("default");
  Pipe pipe;
  std::atomic<int> ran{0};
  for (int round = 1; round <= 3; ++round) {
    std::latch readable(1);
    Call job([&] {
      ++ran;
      readable.count_down();
    });
    ASSERT_TRUE(lanes.when_readable(pipe.ends[0], lane, &job));
    ASSERT_EQ(::write(pipe.ends[1], "x", 1), 1);
    readable.wait();
    char c;
    ASSERT_EQ(::read(pipe.ends[0], &c, 1), 1);
    EXPECT_EQ(ran, round);
  }
}

TEST(Readable, DataThatIsThereAlreadyCounts) {
  Lanes lanes(1);
  Pipe pipe;
  ASSERT_EQ(::write(pipe.ends[1], "x", 1), 1);
  std::latch readable(1);
  Call job([&] { readable.count_down(); });
  ASSERT_TRUE(lanes.when_readable(pipe.ends[0], *lanes.find("default"), &job));
  readable.wait();
}

TEST(Readable, AHangUpCounts) {
  Lanes lanes(1);
  Pipe pipe;
  std::latch readable(1);
  Call job([&] { readable.count_down(); });
  ASSERT_TRUE(lanes.when_readable(pipe.ends[0], *lanes.find("default"), &job));
  pipe.close_write();
  readable.wait();
}

TEST(Readable, LeavesTheDescriptorsFlagsAlone) {
  Lanes lanes(1);
  Pipe pipe;
  std::latch readable(1);
  Call job([&] { readable.count_down(); });
  const int before = ::fcntl(pipe.ends[0], F_GETFL);
  ASSERT_TRUE(lanes.when_readable(pipe.ends[0], *lanes.find("default"), &job));
  pipe.close_write();
  readable.wait();
  EXPECT_EQ(::fcntl(pipe.ends[0], F_GETFL), before);
}

TEST(Readable, RefusesARegularFileABadDescriptorAndASecondWait) {
  Pipe pipe;  // outlives the wait
  Lanes lanes(1);
  const LaneId lane = *lanes.find("default");
  Call job([] {});
  const int file = ::open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  const auto regular = lanes.when_readable(file, lane, &job);
  ASSERT_FALSE(regular);
  EXPECT_EQ(regular.error().code, "always-readable");
  ::close(file);
  EXPECT_FALSE(lanes.when_readable(-1, lane, &job));
  EXPECT_TRUE(lanes.when_readable(pipe.ends[0], lane, &job));
  EXPECT_FALSE(lanes.when_readable(pipe.ends[0], lane, &job));
}

}  // namespace
}  // namespace heddle
