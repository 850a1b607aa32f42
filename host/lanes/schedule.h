// Which job starts next: the lanes, their queues and their limits, without threads or locks. Whoever owns one guards it.
//
// Invariant: a lane never runs more than its max_concurrency, all lanes together never more than `slots`, and as many free slots as lanes
// with waiting work are still owed by their min_concurrency stay free of other lanes' jobs. At least one slot is never reserved, so that
// reservations alone cannot stop a lane: of the reservations together, at most slots - 1 count, given to the highest lanes first.
#pragma once
#include <optional>
#include <string_view>
#include <vector>

#include "lanes/lanes.h"
#include "lanes/rank_set.h"

namespace heddle {

class Schedule {
 public:
  explicit Schedule(unsigned slots) : slots_(slots) {}

  Result<LaneId> add(const LaneConfig& config);
  std::optional<LaneId> find(std::string_view name) const;
  std::vector<LaneStats> stats() const;

  void push(LaneId lane, Job* job);

  struct Taken {
    Job* job = nullptr;  // null: nothing may start now
    LaneId lane = 0;
  };
  // Starts the next job. The cost depends neither on the number of jobs nor, up to 4,096, of lanes.
  Taken take();
  // Whether take() would give a job.
  bool can_take() const { return next_rank() != RankSet::kNone; }
  // A job that take() gave has ended, or was given up: its slot is free again.
  void done(LaneId lane, bool completed);

 private:
  struct Lane {
    LaneConfig config;
    uint32_t reserved = 0;                  // what counts of min_concurrency
    uint32_t limit = 0;                     // max_concurrency, or the slots
    size_t rank = 0;                        // its place in by_rank_
    size_t peers_begin = 0, peers_end = 0;  // the ranks of its priority
    size_t last_taken = 0;                  // of the lane at peers_begin: the peer that took last, so that equals take turns
    Job* first = nullptr;
    Job* last = nullptr;
    uint32_t waiting = 0, running = 0;
    uint64_t submitted = 0, started = 0, completed = 0;
  };

  size_t next_rank() const;
  void update(const Lane& lane);  // after any change of waiting, running or limits: puts it into, or out of, the two sets
  void rank_all();
  static uint32_t owed(const Lane& lane) { return lane.reserved > lane.running ? lane.reserved - lane.running : 0; }

  unsigned slots_;
  unsigned running_ = 0;
  unsigned owed_slots_ = 0;      // reserved and not in use
  std::vector<Lane> lanes_;      // by id
  std::vector<LaneId> by_rank_;  // by priority, then id
  RankSet ready_;                // ranks of the lanes with waiting work below their limit
  RankSet ready_owed_;           // those of them that still have a reserved slot
};

}  // namespace heddle
