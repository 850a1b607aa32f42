// The scheduler: named lanes in front of one pool of worker threads, the host's only ones.
//
// A post is lock-free: it puts the job into an inbox, and wakes a worker only if one sleeps. A worker empties the inbox into the schedule, takes a few jobs of one lane at
// once (so many that they take some microseconds together, and never more than its share of what waits), and runs them one after the other; between two of them it looks whether a
// higher lane has work. A worker without work takes over what another one has taken and not begun. Nothing polls: a worker without work sleeps until a post, a time, or a readable
// descriptor wakes it.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "histogram.h"
#include "lanes/lane.h"
#include "result.h"

namespace heddle {

using TimerId = uint64_t;
using WorkerId = uint64_t;

inline constexpr size_t kMaxLanes = 4'096;
// Where the host's own errands run: it is never paused, and nothing makes it wait.
inline constexpr std::string_view kOwnLane = "system";

struct LaneTimes {
  Durations waited, ran;
};

// What a lane of this name is until somebody says otherwise.
LaneConfig default_lane(std::string_view name);

struct Workers;

class Lanes {
 public:
  // Starts `threads` workers (0: one per core) and the six default lanes (system, control, query, session, skill, prompt), and "default"
  // (priority 3).
  explicit Lanes(unsigned threads = 0);
  ~Lanes();  // runs nothing more: waiting jobs are dropped, running ones are waited for (abandoned workers are not)
  Lanes(const Lanes&) = delete;
  Lanes& operator=(const Lanes&) = delete;

  // [any] Adds a lane, or replaces the settings of the one of that name (its queue is kept). Refuses what check() refuses.
  Result<LaneId> add(const LaneConfig& config);
  std::optional<LaneId> find(std::string_view name) const;
  LaneConfig config(LaneId lane) const;
  std::string name(LaneId lane) const;
  uint64_t oldest_ns(LaneId lane) const;  // when the job that waits longest was submitted; 0: none waits
  // What of it is asked for each job: without a lock.
  uint32_t priority(LaneId lane) const;
  bool is_preemptible(LaneId lane) const;
  uint64_t depth(LaneId lane) const;
  LaneFull when_full(LaneId lane) const;
  std::vector<LaneStats> stats() const;
  LaneTimes times(LaneId lane) const;
  unsigned threads() const;

  // [any] Never runs inline, and never refuses: whoever submits work from outside asks first.
  void post(LaneId lane, Job* job);
  // [any] The same, not before `when_ns` (CLOCK_MONOTONIC).
  void post_at(uint64_t when_ns, LaneId lane, Job* job);
  // [any] Takes a posted job back. True: it will not run, and its storage is the caller's again.
  bool cancel(Job* job);
  // [any] The job that waits longest in a lane, taken back; null: none waits. For a lane that sheds.
  Job* take_oldest(LaneId lane);
  // [any] A job of the lane goes on without its worker, and counts against max_concurrency until it is released.
  void hold(LaneId lane);
  void release(LaneId lane);
  // [any] Whether a worker sleeps: what is posted now starts at once, if its lane lets it.
  bool has_free_worker() const;
  // [setup] Told what lanes come to: on any thread, with no lock held; it must not block. The last one that was set counts.
  void on_notice(std::function<void(LaneId, LaneNotice)> told);
  // [any] A paused lane starts nothing; what runs, runs on.
  void pause(LaneId lane);
  void resume(LaneId lane);

  // [any] Posts `job` to `lane` at `when_ns` (CLOCK_MONOTONIC).
  TimerId at(uint64_t when_ns, LaneId lane, Job* job);
  // [any] True: the job will not be posted by this timer, and its storage is the caller's again. False: it was posted, or is unknown.
  bool cancel(TimerId timer);

  // [any] Runs `job` at `when_ns` on the timers' own thread, even if every worker hangs: for those who watch workers. It must be short and call no plugin.
  TimerId alarm(uint64_t when_ns, Job* job);

  // [any] Posts `job` once to `lane` when `fd` can be read or has hung up. The descriptor stays the caller's. One wait per descriptor at a
  // time. An error means the descriptor cannot be waited for (a regular file): it is always readable.
  Result<void> when_readable(int fd, LaneId lane, Job* job);

  // The worker this thread is, as long as it runs this job: in the next job it has another id. 0: none of the pool's.
  static WorkerId current_worker();
  // [any] Gives a hung worker up: a new one takes its place and its slot in the lane, and the old thread ends when its job ever returns.
  // False: that worker has already moved on: the job that it was named in has returned.
  bool abandon(WorkerId worker);
  // Threads that were given up and still have not returned. While not 0, the process must end by _exit.
  unsigned abandoned() const;

 private:
  struct Pool;
  std::unique_ptr<Pool> pool_;
};

// While one lives, what its thread posts waits, and is posted when it goes: whoever tells many things in a row wakes others once for all of them. It must not outlive the lanes that
// are posted to, and nothing that waits for such a job may be done meanwhile. Inside another one it does nothing.
class HeldPosts {
 public:
  HeldPosts();
  ~HeldPosts();
  HeldPosts(const HeldPosts&) = delete;
  HeldPosts& operator=(const HeldPosts&) = delete;

 private:
  friend class Lanes;
  const bool is_outer_;
  Workers* to_ = nullptr;  // whose they are
  Job* first_ = nullptr;   // by Job::next
  Job** last_ = &first_;
};

}  // namespace heddle
