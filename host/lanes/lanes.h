// The scheduler: named lanes in front of one pool of worker threads, the host's only ones.
//
// The lane of the highest priority (lowest number) with waiting work and free concurrency always starts next; lanes of equal priority take
// turns; within a lane, first come first served. Nothing polls: a worker without work sleeps until a post, a timer or a readable descriptor
// wakes it.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "result.h"

namespace heddle {

// One piece of work. The poster keeps it alive from post until `run` is entered; `run` may post it again, or free it.
struct Job {
  void (*run)(Job*) noexcept = nullptr;
  Job* next = nullptr;  // the queue's, while posted
};

using LaneId = uint32_t;
using TimerId = uint64_t;
using WorkerId = uint64_t;

struct LaneConfig {
  std::string name;
  uint32_t priority = 3;         // 0 is the highest
  uint32_t min_concurrency = 0;  // slots of the pool kept for this lane; of all slots, one is never kept: no lane stands still for ever
  uint32_t max_concurrency = 0;  // 0: as many as the pool has
};

struct LaneStats {
  std::string name;
  uint64_t submitted = 0, started = 0, completed = 0;
  uint32_t waiting = 0, running = 0;
};

class Lanes {
 public:
  // Starts `threads` workers (0: one per core) and the six default lanes (system, control, query, session, skill, prompt), and "default"
  // (priority 3).
  explicit Lanes(unsigned threads = 0);
  ~Lanes();  // runs nothing more: waiting jobs are dropped, running ones are waited for (abandoned workers are not)
  Lanes(const Lanes&) = delete;
  Lanes& operator=(const Lanes&) = delete;

  // [any] Adds a lane, or replaces the settings of the one of that name (its queue is kept). Refuses min > max, and priorities over 255.
  Result<LaneId> add(const LaneConfig& config);
  std::optional<LaneId> find(std::string_view name) const;
  std::vector<LaneStats> stats() const;
  unsigned threads() const;

  // [any] Never runs inline.
  void post(LaneId lane, Job* job);

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

}  // namespace heddle
