// JobBook: what is kept of a lane's jobs, beside their records. Who submits and who runs jobs write into different cache lines.
#pragma once
#include <array>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>
#include <utility>

#include "lanes/job_spec.h"
#include "lanes/lane_watch.h"
#include "lanes/lanes.h"

namespace heddle {

// What the book counts: first what happens to a job on its way in, then what becomes of it.
enum class JobCount : uint8_t { kSubmitted, kRejected, kShed, kDone, kFailed, kRetried, kTimedOut, kCancelled, kPreempted, kDead, kGivenUp };

struct JobBook {
  JobBook(LaneId of, std::string its_name) : lane(of), name(std::move(its_name)) { settle_what_is_watched(); }

  const LaneId lane;
  const std::string name;
  std::mutex mutex;
  std::condition_variable room;
  JobPolicy policy;                // guarded by mutex
  LaneWatch watch;                 // guarded by mutex
  struct Look : Job {              // at what time alone changes: the oldest job, a level that settles
    void* state = nullptr;
    JobBook* book = nullptr;
  } look;
  bool looking = false;            // guarded by mutex: `look` is in a lane

  // Seldom written, and read without the mutex:
  std::atomic<size_t> blocked{0};  // who waits for room
  std::atomic<uint64_t> calm_from{0}, calm_below{0};  // as long as so many wait, nobody needs the watch
  std::atomic<bool> watches_ends{false};
  std::atomic<uint64_t> timeout_ns{0};
  std::atomic<Durability> durability{Durability::kMemory};

  // What waits is what came less what went: so neither side writes where the other one does. Whoever reads both reads `went` first.
  struct alignas(64) In {
    std::atomic<uint64_t> came{0};
    std::atomic<uint64_t> seen_went{0};  // what `went` was when somebody had to know
    std::array<std::atomic<uint64_t>, 3> counts{};
  } in;
  struct alignas(64) Out {
    std::atomic<uint64_t> went{0};
    std::array<std::atomic<uint64_t>, 8> counts{};
    Histogram waited, ran;
  } out;

  uint64_t waiting() const {
    const uint64_t went = out.went;
    return in.came - went;
  }
  std::atomic<uint64_t>& counter(JobCount what) {
    const auto i = static_cast<size_t>(what);
    return i < in.counts.size() ? in.counts[i] : out.counts[i - in.counts.size()];
  }
  void count(JobCount what) { counter(what).fetch_add(1, std::memory_order_relaxed); }
  // [mutex held] The settings, what stands, or `looking` has changed.
  void settle_what_is_watched();
};

}  // namespace heddle
