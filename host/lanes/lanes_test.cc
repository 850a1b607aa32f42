#include "lanes/lanes.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <functional>
#include <latch>
#include <memory>
#include <mutex>
#include <semaphore>
#include <set>
#include <thread>

#include "clock.h"
#include "lanes/call_job.h"

namespace heddle {
namespace {

using Call = CallJob;

// Lets a test wait for a condition that jobs bring about.
class Board {
 public:
  template <class F>
  void change(F f) {
    std::lock_guard lock(mutex_);
    f();
    changed_.notify_all();
  }
  template <class F>
  void until(F f) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, f);
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
};

LaneId add(Lanes& lanes, const LaneConfig& config) {
  auto id = lanes.add(config);
  EXPECT_TRUE(id);
  return *id;
}

TEST(Lanes, HasTheDefaultLanes) {
  Lanes lanes(1);
  for (const char* name : {"system", "control", "query", "session", "skill", "prompt", "default"}) EXPECT_TRUE(lanes.find(name)) << name;
  EXPECT_FALSE(lanes.find("nobody"));
  EXPECT_EQ(lanes.threads(), 1u);
}

TEST(Lanes, APostNeverRunsInline) {
  Lanes lanes(1);
  const auto here = std::this_thread::get_id();
  std::thread::id there;
  std::latch ran(1);
  Call job([&] {
    there = std::this_thread::get_id();
    ran.count_down();
  });
  lanes.post(*lanes.find("default"), &job);
  ran.wait();
  EXPECT_NE(there, here);
}

TEST(Lanes, AHigherLaneGoesFirstWhateverTheOrderOfArrival) {
  Lanes lanes(1);
  std::latch entered(1), all(4);
  std::binary_semaphore go(0);
  Call gate([&] {
    entered.count_down();
    go.acquire();
  });
  lanes.post(*lanes.find("default"), &gate);
  entered.wait();
  std::string order;  // only the one worker writes
  auto note = [&](char c) {
    return [&, c] {
      order += c;
      all.count_down();
    };
  };
  Call prompt(note('p')), first(note('1')), second(note('2')), control(note('c'));
  lanes.post(*lanes.find("prompt"), &prompt);
  lanes.post(*lanes.find("skill"), &first);
  lanes.post(*lanes.find("skill"), &second);
  lanes.post(*lanes.find("control"), &control);
  go.release();
  all.wait();
  EXPECT_EQ(order, "c12p");
}

TEST(Lanes, ALaneNeverRunsMoreThanItsMaximum) {
  Lanes lanes(4);
  const LaneId lane = add(lanes, {.name = "two", .max_concurrency = 2});
  std::atomic<int> now{0}, most{0};
  std::latch all(200);
  std::vector<std::unique_ptr<Call>> jobs;
  for (int i = 0; i < 200; ++i) {
    jobs.push_back(std::make_unique<Call>([&] {
      const int n = ++now;
      for (int seen = most; seen < n && !most.compare_exchange_weak(seen, n);) {
      }
      std::this_thread::yield();
      --now;
      all.count_down();
    }));
    lanes.post(lane, jobs.back().get());
  }
  all.wait();
  EXPECT_LE(most, 2);
}

TEST(Lanes, AReservedSlotIsFreeWhileAHigherLaneIsSaturated) {
  Lanes lanes(2);
  const LaneId low = add(lanes, {.name = "low", .priority = 9, .min_concurrency = 1});
  std::counting_semaphore<> go(0);
  std::latch flooded(8), low_ran(1);
  std::vector<std::unique_ptr<Call>> flood;
  for (int i = 0; i < 8; ++i) {
    flood.push_back(std::make_unique<Call>([&] {
      go.acquire();
      flooded.count_down();
    }));
    lanes.post(*lanes.find("system"), flood.back().get());
  }
  Call job([&] { low_ran.count_down(); });
  lanes.post(low, &job);
  low_ran.wait();  // would wait for ever if the flood had both workers
  go.release(8);
  flooded.wait();
}

TEST(Lanes, AJobMayPostItselfAgainOrFreeItself) {
  Lanes lanes(2);
  std::latch done(1);
  struct Again : Job {
    Lanes* lanes;
    LaneId lane;
    int left;
    std::latch* done;
  };
  auto* job = new Again{};
  job->lanes = &lanes;
  job->lane = *lanes.find("default");
  job->left = 1000;
  job->done = &done;
  job->run = [](Job* j) noexcept {
    auto* me = static_cast<Again*>(j);
    if (--me->left > 0) return me->lanes->post(me->lane, me);
    std::latch* const last = me->done;
    delete me;
    last->count_down();
  };
  lanes.post(job->lane, job);
  done.wait();
}

TEST(Lanes, AMillionJobsFromFourThreadsEachRunOnce) {
  constexpr int kPosters = 4, kEach = 250'000;
  struct Count : Job {
    std::atomic<int> ran{0};
    std::atomic<int>* left;
    Board* board;
  };
  Lanes lanes(4);
  Board board;
  std::atomic<int> left{kPosters * kEach};
  std::vector<Count> jobs(kPosters * kEach);
  for (Count& job : jobs) {
    job.left = &left;
    job.board = &board;
    job.run = [](Job* j) noexcept {
      auto* me = static_cast<Count*>(j);
      me->ran.fetch_add(1, std::memory_order_relaxed);
      if (me->left->fetch_sub(1) == 1) me->board->change([] {});
    };
  }
  const LaneId ids[] = {*lanes.find("default"), *lanes.find("control"), *lanes.find("query"), *lanes.find("prompt")};
  std::vector<std::thread> posters;
  for (int p = 0; p < kPosters; ++p)
    posters.emplace_back([&, p] {
      for (int i = 0; i < kEach; ++i) lanes.post(ids[(p + i) % 4], &jobs[static_cast<size_t>(p * kEach + i)]);
    });
  for (auto& poster : posters) poster.join();
  board.until([&] { return left == 0; });
  for (const Count& job : jobs) ASSERT_EQ(job.ran, 1);
  uint64_t submitted = 0;
  for (const LaneStats& lane : lanes.stats()) submitted += lane.submitted;
  EXPECT_EQ(submitted, uint64_t{kPosters * kEach});
}

TEST(Lanes, DestructionDropsWaitingJobsAndTimersAndWaitsForRunningOnes) {
  std::atomic<int> ran{0};
  bool finished = false;
  std::latch entered(1);
  std::binary_semaphore go(0);
  Call running([&] {
    entered.count_down();
    go.acquire();
    finished = true;
  });
  Call waiting([&] { ++ran; }), timed([&] { ++ran; });
  auto lanes = std::make_unique<Lanes>(1);
  const LaneId lane = *lanes->find("default");
  lanes->post(lane, &running);
  entered.wait();
  lanes->post(lane, &waiting);
  lanes->at(now_ns() + 3600 * kNsPerSecond, lane, &timed);
  std::thread destroyer([&] { lanes.reset(); });
  go.release();
  destroyer.join();
  EXPECT_TRUE(finished);
  EXPECT_LE(ran, 1) << "the waiting job may have started before the destruction did; the timer must not";
}

TEST(Lanes, DestructionAtAnyMomentOfAPostStreamIsClean) {
  for (int round = 0; round < 200; ++round) {
    std::atomic<int> ran{0};
    std::vector<std::unique_ptr<Call>> jobs;
    for (int i = 0; i < 20; ++i) jobs.push_back(std::make_unique<Call>([&] { ++ran; }));
    Lanes lanes(3);
    for (auto& job : jobs) lanes.post(*lanes.find("default"), job.get());
  }
}

TEST(Lanes, AHungJobIsGivenUpAndItsSlotWorksOn) {
  std::latch entered(1), returned(1), next_ran(1);
  std::binary_semaphore release(0);
  WorkerId hung = 0;
  {
    Lanes lanes(1);
    const LaneId lane = add(lanes, {.name = "one", .max_concurrency = 1});
    Call stuck([&] {
      hung = Lanes::current_worker();
      entered.count_down();
      release.acquire();
      returned.count_down();
    });
    lanes.post(lane, &stuck);
    entered.wait();
    Call next([&] { next_ran.count_down(); });
    lanes.post(lane, &next);
    EXPECT_NE(hung, 0u);
    EXPECT_TRUE(lanes.abandon(hung));
    EXPECT_FALSE(lanes.abandon(hung)) << "once";
    next_ran.wait();
    EXPECT_EQ(lanes.abandoned(), 1u);
    release.release();
    returned.wait();
    while (lanes.abandoned() != 0) std::this_thread::yield();
    const LaneStats stats = lanes.stats().back();
    EXPECT_EQ(stats.name, "one");
    EXPECT_EQ(stats.started, 2u);
  }
}

TEST(Lanes, AnAlarmGoesOffWhileEveryWorkerHangs) {
  Lanes lanes(1);
  std::latch entered(1);
  std::binary_semaphore go(0);
  Call hung([&] {
    entered.count_down();
    go.acquire();
  });
  lanes.post(*lanes.find("default"), &hung);
  entered.wait();
  std::latch rang(1);
  Call alarm([&] { rang.count_down(); });
  lanes.alarm(now_ns() + kNsPerMs, &alarm);
  rang.wait();
  go.release();
}

TEST(Lanes, AWorkerThatHasMovedOnIsNotAbandoned) {
  Lanes lanes(1);
  const LaneId lane = *lanes.find("default");
  WorkerId first = 0;
  std::latch second_entered(1);
  std::binary_semaphore go(0);
  Call one([&] { first = Lanes::current_worker(); });
  Call two([&] {
    second_entered.count_down();
    go.acquire();
  });
  lanes.post(lane, &one);
  lanes.post(lane, &two);
  second_entered.wait();
  EXPECT_FALSE(lanes.abandon(first)) << "its thread is in another job by now";
  EXPECT_FALSE(lanes.abandon(0));
  EXPECT_EQ(lanes.abandoned(), 0u);
  EXPECT_EQ(Lanes::current_worker(), 0u);
  go.release();
}

TEST(Lanes, ManyHungJobsInARowDoNotWearThePoolOut) {
  constexpr int kRounds = 50;
  std::counting_semaphore<> release(0);
  std::atomic<int> returned{0};
  std::vector<std::unique_ptr<Call>> jobs;
  Lanes lanes(2);
  const LaneId lane = *lanes.find("default");
  for (int i = 0; i < kRounds; ++i) {
    std::atomic<WorkerId> id{0};
    std::latch entered(1);
    jobs.push_back(std::make_unique<Call>([&] {
      id = Lanes::current_worker();
      entered.count_down();
      release.acquire();
      ++returned;
    }));
    lanes.post(lane, jobs.back().get());
    entered.wait();
    ASSERT_TRUE(lanes.abandon(id));
  }
  EXPECT_EQ(lanes.abandoned(), unsigned{kRounds});
  release.release(kRounds);
  while (lanes.abandoned() != 0) std::this_thread::yield();
  EXPECT_EQ(returned, kRounds);
}

TEST(Lanes, AJobThatWaitsForTheOneBehindItIsNotAloneWithIt) {
  for (int round = 0; round < 200; ++round) {
    Lanes lanes(2);
    const LaneId lane = *lanes.find("default");
    std::latch quick(100), opened(1), ended(8);
    std::vector<std::unique_ptr<Call>> jobs;
    for (int i = 0; i < 100; ++i) jobs.push_back(std::make_unique<Call>([&] { quick.count_down(); }));  // so that batches grow
    for (auto& job : jobs) lanes.post(lane, job.get());
    quick.wait();
    Call waits([&] {
      opened.wait();
      ended.count_down();
    });
    Call opens([&] {
      opened.count_down();
      ended.count_down();
    });
    std::vector<std::unique_ptr<Call>> more;
    for (int i = 0; i < 6; ++i) more.push_back(std::make_unique<Call>([&] { ended.count_down(); }));
    for (int i = 0; i < 3; ++i) lanes.post(lane, more[static_cast<size_t>(i)].get());
    lanes.post(lane, &waits);
    for (int i = 3; i < 6; ++i) lanes.post(lane, more[static_cast<size_t>(i)].get());
    lanes.post(lane, &opens);
    ended.wait();
  }
}

TEST(Lanes, APostedJobCanBeTakenBackUntilItBegins) {
  Lanes lanes(1);
  const LaneId lane = *lanes.find("default");
  std::latch entered(1);
  std::binary_semaphore go(0);
  Call gate([&] {
    entered.count_down();
    go.acquire();
  });
  lanes.post(lane, &gate);
  entered.wait();
  std::atomic<int> ran{0};
  std::latch last(1);
  Call now([&] { ++ran; }), later([&] { ++ran; }), end([&] { last.count_down(); });
  lanes.post(lane, &now);
  lanes.post_at(now_ns() + 3600 * kNsPerSecond, lane, &later);
  EXPECT_TRUE(lanes.cancel(&now));
  EXPECT_TRUE(lanes.cancel(&later));
  EXPECT_FALSE(lanes.cancel(&now));
  EXPECT_FALSE(lanes.cancel(&gate)) << "it runs";
  lanes.post(lane, &end);
  go.release();
  last.wait();
  EXPECT_EQ(ran, 0);
}

TEST(Lanes, ADelayedPostComesAtItsTimeAndNotBefore) {
  Lanes lanes(1);
  uint64_t ran_at = 0;
  std::latch done(1);
  Call job([&] {
    ran_at = now_ns();
    done.count_down();
  });
  const uint64_t when = now_ns() + 20 * kNsPerMs;
  lanes.post_at(when, *lanes.find("default"), &job);
  done.wait();
  EXPECT_GE(ran_at, when);
}

TEST(Lanes, ARateIsKeptWithoutAnybodyPosting) {
  Lanes lanes(2);
  const LaneId lane = add(lanes, {.name = "slow", .rates = {{.count = 1'000, .burst = 1}}});
  std::latch all(20);
  std::vector<std::unique_ptr<Call>> jobs;
  for (int i = 0; i < 20; ++i) jobs.push_back(std::make_unique<Call>([&] { all.count_down(); }));
  const uint64_t began = now_ns();
  for (auto& job : jobs) lanes.post(lane, job.get());
  all.wait();
  EXPECT_GE(now_ns() - began, 19 * kNsPerMs);
}

TEST(Lanes, APausedLaneRunsNothingUntilItIsResumed) {
  Lanes lanes(1);
  const LaneId lane = *lanes.find("prompt"), other = *lanes.find("default");
  std::atomic<bool> ran{false};
  std::latch passed(1), done(1);
  Call held([&] {
    ran = true;
    done.count_down();
  });
  Call pass([&] { passed.count_down(); });
  lanes.pause(lane);
  lanes.post(lane, &held);
  lanes.post(other, &pass);
  passed.wait();
  EXPECT_FALSE(ran);
  EXPECT_TRUE(lanes.stats()[lane].paused);
  lanes.resume(lane);
  done.wait();
}

TEST(Lanes, TimesAreKeptPerLane) {
  Lanes lanes(2);
  const LaneId lane = *lanes.find("skill");
  std::latch all(500);
  std::vector<std::unique_ptr<Call>> jobs;
  for (int i = 0; i < 500; ++i) jobs.push_back(std::make_unique<Call>([&] { all.count_down(); }));
  for (auto& job : jobs) lanes.post(lane, job.get());
  all.wait();
  while (lanes.stats()[lane].completed < 500) std::this_thread::yield();
  const LaneTimes times = lanes.times(lane);
  EXPECT_EQ(times.waited.count(), 500u);
  EXPECT_EQ(times.ran.count(), 500u);
  EXPECT_LE(times.waited.quantile(0.5), times.waited.quantile(0.99));
  EXPECT_EQ(lanes.times(*lanes.find("query")).ran.count(), 0u);
}

// --- lanes.md, Acceptance: what needs threads (the rest: schedule_test.cc) ----------------------------------------------------------------------------------------

std::set<std::string> threads_of_this_process() {
  std::set<std::string> ids;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) ids.insert(task.path().filename());
  return ids;
}

// How often these threads have gone to sleep of their own will: each wake-up is one.
uint64_t wake_ups(const std::set<std::string>& threads) {
  uint64_t sum = 0;
  for (const std::string& id : threads) {
    std::ifstream status("/proc/self/task/" + id + "/status");
    for (std::string line; std::getline(status, line);) {
      if (line.starts_with("voluntary_ctxt_switches:")) sum += std::stoull(line.substr(line.find(':') + 1));
    }
  }
  return sum;
}

TEST(Acceptance, A08_AnIdleSchedulerNeverWakes) {
  const std::set<std::string> others = threads_of_this_process();
  Lanes lanes(4);
  std::latch ran(100);
  std::vector<std::unique_ptr<Call>> jobs;
  for (int i = 0; i < 100; ++i) jobs.push_back(std::make_unique<Call>([&] { ran.count_down(); }));
  for (auto& job : jobs) lanes.post(*lanes.find("default"), job.get());
  Call far([] {});
  lanes.post_at(now_ns() + 3600 * kNsPerSecond, *lanes.find("default"), &far);
  ran.wait();
  ::poll(nullptr, 0, 100);
  std::set<std::string> mine = threads_of_this_process();
  std::erase_if(mine, [&](const std::string& id) { return others.contains(id); });
  ASSERT_GE(mine.size(), 4u);
  const auto look = [&](int ms) {
    ::poll(nullptr, 0, ms);
    return wake_ups(mine);
  };
  uint64_t before = look(100), after = look(300);
  for (int i = 0; i < 20 && after != before; ++i) {  // on a busy machine the workers may need longer to come to rest
    before = after;
    after = look(300);
  }
  EXPECT_EQ(after, before);
  EXPECT_TRUE(lanes.cancel(&far));
}

TEST(Acceptance, A10_DestructionReleasesEveryThread) {
  const size_t before = threads_of_this_process().size();
  {
    Lanes lanes(4);
    std::latch rang(1);
    Call alarm([&] { rang.count_down(); });
    lanes.alarm(now_ns() + kNsPerMs, &alarm);
    rang.wait();
    EXPECT_EQ(threads_of_this_process().size(), before + 5);
  }
  for (int i = 0; i < 1'000 && threads_of_this_process().size() != before; ++i) ::poll(nullptr, 0, 1);  // a joined thread leaves the list a moment later
  EXPECT_EQ(threads_of_this_process().size(), before);
}

TEST(Histogram, ABucketsMiddleIsWithinSevenPercentOfAllThatFallIntoIt) {
  for (uint64_t ns = 1; ns < uint64_t{1} << 40; ns = ns * 9 / 8 + 1) {
    const double middle = static_cast<double>(Histogram::value(Histogram::bucket(ns)));
    EXPECT_NEAR(middle, static_cast<double>(ns), static_cast<double>(ns) * 0.07 + 0.5) << ns;
  }
}

// The process of a thread that never returns ends by _exit; so these two run in processes of their own.
[[noreturn]] void destroy_while_a_job_hangs() {
  std::binary_semaphore never(0);
  std::latch entered(1), returned(1);
  std::atomic<WorkerId> id{0};
  Call stuck([&] {
    id = Lanes::current_worker();
    entered.count_down();
    never.acquire();
    returned.count_down();
  });
  {
    Lanes lanes(1);
    lanes.post(*lanes.find("default"), &stuck);
    entered.wait();
    if (!lanes.abandon(id)) ::_exit(1);
  }
  never.release();  // it returns after all, and its pool is gone
  returned.wait();
  ::_exit(7);
}

[[noreturn]] void abandon_during_destruction() {
  std::binary_semaphore never(0);
  std::latch entered(2), destroying(1);
  std::atomic<WorkerId> id{0};
  auto* const lanes = new Lanes(2);
  Call stuck([&] {
    id = Lanes::current_worker();
    entered.count_down();
    never.acquire();
  });
  Call watch([&] {
    entered.count_down();
    destroying.wait();
    if (!lanes->abandon(id)) ::_exit(1);
  });
  lanes->post(*lanes->find("default"), &stuck);
  lanes->post(*lanes->find("default"), &watch);
  entered.wait();
  destroying.count_down();
  delete lanes;
  ::_exit(7);
}

TEST(LanesDeathTest, ThePoolCanBeDestroyedWhileAJobHangs) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(destroy_while_a_job_hangs(), testing::ExitedWithCode(7), "");
}

TEST(LanesDeathTest, AJobCanBeGivenUpWhileThePoolIsDestroyed) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(abandon_during_destruction(), testing::ExitedWithCode(7), "");
}

}  // namespace
}  // namespace heddle
