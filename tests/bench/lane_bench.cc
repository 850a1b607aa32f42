// Bench 3, in memory: what a job costs through the lanes, beside Boost.Asio's thread pool in the same run. Nothing is asserted.
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <cstdio>
#include <latch>
#include <memory>
#include <semaphore>
#include <string>
#include <thread>
#include <vector>

#include "clock.h"
#include "lanes/lanes.h"

namespace {

using namespace heddle;

constexpr size_t kJobs = 2'000'000;
constexpr int kRounds = 5;

struct Counted : Job {
  std::atomic<size_t>* left;
  std::latch* done;
  uint64_t busy_ns;
};

// Makes jobs that take so long each, and count down.
void prepare(std::vector<Counted>& jobs, std::atomic<size_t>& left, std::latch& done, uint64_t busy_ns) {
  for (Counted& job : jobs) {
    job.left = &left;
    job.done = &done;
    job.busy_ns = busy_ns;
    job.run = [](Job* j) noexcept {
      auto* mine = static_cast<Counted*>(j);
      if (mine->busy_ns > 0) {
        const uint64_t until = now_ns() + mine->busy_ns;
        while (now_ns() < until) {
        }
      }
      if (mine->left->fetch_sub(1, std::memory_order_relaxed) == 1) mine->done->count_down();
    };
  }
}

double seconds(uint64_t ns) { return static_cast<double>(ns) / 1e9; }

// The best of some rounds, in jobs per second.
template <class Round>
double best_of(Round round) {
  double best = 0;
  for (int i = 0; i < kRounds; ++i) best = std::max(best, static_cast<double>(kJobs) / seconds(round()));
  return best;
}

uint64_t asio_round(unsigned threads) {
  boost::asio::thread_pool pool(threads);
  std::atomic<size_t> left{kJobs};
  std::latch done(1);
  const uint64_t began = now_ns();
  for (size_t i = 0; i < kJobs; ++i) {
    boost::asio::post(pool, [&] {
      if (left.fetch_sub(1, std::memory_order_relaxed) == 1) done.count_down();
    });
  }
  done.wait();
  return now_ns() - began;
}

std::vector<LaneId> add_lanes(Lanes& lanes, size_t count) {
  std::vector<LaneId> ids;
  for (size_t i = 0; i < count; ++i) ids.push_back(*lanes.add({.name = "bench-" + std::to_string(i), .priority = static_cast<uint32_t>(i % 8)}));
  return ids;
}

uint64_t lanes_round(Lanes& lanes, const std::vector<LaneId>& ids, std::vector<Counted>& jobs) {
  std::atomic<size_t> left{kJobs};
  std::latch done(1);
  prepare(jobs, left, done, 0);
  const uint64_t began = now_ns();
  size_t lane = 0;
  for (Counted& job : jobs) {
    lanes.post(ids[lane], &job);
    if (++lane == ids.size()) lane = 0;
  }
  done.wait();
  return now_ns() - began;
}

struct Percentiles {
  uint64_t p50, p99;
};
Percentiles of(std::vector<uint64_t> all) {
  std::sort(all.begin(), all.end());
  return {all[all.size() / 2], all[all.size() * 99 / 100]};
}

struct Ping : Job {
  Ping() {
    run = [](Job* j) noexcept {
      auto* mine = static_cast<Ping*>(j);
      mine->ended.store(now_ns(), std::memory_order_release);
      mine->ended.notify_one();
    };
  }
  std::atomic<uint64_t> ended{0};
};

// From the post to the end of the job, with at least `pause_ns` between two. The thread that posts sleeps until the job has ended, or spins.
Percentiles round_trips(Lanes& lanes, LaneId lane, size_t count, uint64_t pause_ns, bool sleeps) {
  Ping ping;
  std::vector<uint64_t> all;
  uint64_t next = now_ns();
  for (size_t i = 0; i < count; ++i) {
    while (now_ns() < next) {
    }
    next = now_ns() + pause_ns;
    ping.ended.store(0, std::memory_order_relaxed);
    const uint64_t began = now_ns();
    lanes.post(lane, &ping);
    if (sleeps) ping.ended.wait(0, std::memory_order_acquire);
    while (ping.ended.load(std::memory_order_acquire) == 0) {
    }
    all.push_back(ping.ended.load(std::memory_order_acquire) - began);
  }
  return of(std::move(all));
}

// The same with the poster and the only worker on one core: a wake across cores takes ten times as long, and which of the two it is, is else left to chance.
Percentiles round_trips_on_one_core(size_t count, uint64_t pause_ns) {
  cpu_set_t before, one;
  CPU_ZERO(&one);
  CPU_SET(0, &one);
  ::sched_getaffinity(0, sizeof before, &before);
  ::sched_setaffinity(0, sizeof one, &one);
  Percentiles found{};
  {
    Lanes lanes(1);
    found = round_trips(lanes, *lanes.find("default"), count, pause_ns, true);
  }
  ::sched_setaffinity(0, sizeof before, &before);
  return found;
}

// Jobs of a microsecond that wait already: how many of them so many workers do in a second.
double drained_per_second(unsigned threads, std::vector<Counted>& jobs) {
  Lanes lanes(threads);
  const LaneId lane = *lanes.find("default");
  std::atomic<size_t> left{jobs.size()};
  std::latch done(1);
  prepare(jobs, left, done, 1'000);
  lanes.pause(lane);
  for (Counted& job : jobs) lanes.post(lane, &job);
  const uint64_t began = now_ns();
  lanes.resume(lane);
  done.wait();
  return static_cast<double>(jobs.size()) / seconds(now_ns() - began);
}

// How soon jobs of `control` start while a million of `prompt` wait.
Percentiles control_among_a_million(Lanes& lanes, std::vector<Counted>& jobs) {
  std::atomic<size_t> left{jobs.size()};
  std::latch done(1);
  prepare(jobs, left, done, 500);
  const LaneId prompt = *lanes.find("prompt"), control = *lanes.find("control");
  lanes.pause(prompt);
  for (Counted& job : jobs) lanes.post(prompt, &job);
  lanes.resume(prompt);
  const Percentiles found = round_trips(lanes, control, 2'000, 0, false);
  done.wait();
  return found;
}

}  // namespace

int main() {
  const unsigned threads = std::max(1u, std::thread::hardware_concurrency());
  std::printf("in memory, %u threads, %zu jobs of nothing, posted by one thread; best of %d\n", threads, kJobs, kRounds);
  const double peer = best_of([&] { return asio_round(threads); });
  std::printf("  Boost.Asio thread_pool              %6.2f M jobs/s\n", peer / 1e6);
  std::vector<Counted> jobs(kJobs);
  for (const size_t count : {1u, 10u, 1'000u, 4'000u}) {
    Lanes lanes(threads);
    const std::vector<LaneId> ids = add_lanes(lanes, count);
    const double rate = best_of([&] { return lanes_round(lanes, ids, jobs); });
    std::printf("  heddle, %4zu lanes                  %6.2f M jobs/s = %.2f x the pool%s\n", count, rate / 1e6, rate / peer,
                count <= 10 ? "   (wanted: >= 2.5 M)" : "");
  }
  Lanes lanes(threads);
  const LaneId lane = *lanes.find("default");
  const auto print = [](const char* what, const Percentiles& p, const char* wanted) {
    std::printf("  %-36s p50 %6.2f us, p99 %6.2f us   (wanted: %s)\n", what, static_cast<double>(p.p50) / 1e3, static_cast<double>(p.p99) / 1e3, wanted);
  };
  print("post to end, parked, one core", round_trips_on_one_core(5'000, 100'000), "<= 4, <= 100");
  print("post to end, parked, across cores", round_trips(lanes, lane, 5'000, 200'000, false), "<= 4, <= 100");
  print("post to end, 50,000/s, one core", round_trips_on_one_core(50'000, 20'000), "p50 <= 1");
  print("post to end, 50,000/s, across cores", round_trips(lanes, lane, 50'000, 20'000, false), "p50 <= 1");
  jobs.resize(1'000'000);
  const double one = drained_per_second(1, jobs), all = drained_per_second(threads, jobs);
  std::printf("  jobs of 1 us: 1 worker %.2f M/s, %u workers %.2f M/s = %.2f x\n", one / 1e6, threads, all / 1e6, all / one);
  print("control while 1,000,000 prompt wait", control_among_a_million(lanes, jobs), "p99 <= 1000");
}
