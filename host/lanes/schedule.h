// Which jobs start next: the lanes, their queues and their limits, without threads, locks or a clock of its own. Whoever owns one guards it.
//
// Invariants: no lane runs on more workers than its max_concurrency, all lanes together never on more than `slots`; as many slots as lanes are owed by their
// min_concurrency stay free of other lanes' jobs. At least one slot is never reserved, so that reservations alone cannot stop a lane: of the reservations together, at
// most slots - 1 count, given to the highest lanes first. The highest level with a job that may start always goes first; among lanes of one level, by weight (deficit
// round robin: Shreedhar and Varghese, 1995). The cost of a job depends neither on the number of waiting jobs nor on the number of lanes.
#pragma once
#include <array>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string_view>
#include <vector>

#include "lanes/job.h"
#include "lanes/job_alarms.h"
#include "lanes/lane.h"
#include "lanes/lane_queue.h"
#include "lanes/rate.h"

namespace heddle {

class Schedule {
 public:
  explicit Schedule(unsigned slots);

  // Adds a lane, or replaces what is said of the one of that name: its jobs are kept.
  Result<LaneId> add(const LaneConfig& config, uint64_t now);
  std::optional<LaneId> find(std::string_view name) const;
  const LaneConfig& config(LaneId lane) const { return lanes_[lane]->config; }
  LaneStats stats(LaneId lane) const;
  size_t lanes() const { return lanes_.size(); }
  unsigned running() const { return running_; }

  // A job for job->lane; job->submitted_ns is set. It waits now, or from `at_ns` on.
  void push(Job* job, uint64_t now);
  void delay(Job* job, uint64_t at_ns);
  // True: the job is neither waiting nor delayed any more.
  bool cancel(Job* job);
  uint64_t waiting(LaneId lane) const { return lanes_[lane]->waiting + lanes_[lane]->delayed; }
  // Of the waiting jobs that may be shed, the one that was submitted first, or null. Only of a lane that sheds.
  Job* oldest(LaneId lane) const;

  // Jobs of one lane, chained by `next`, for one worker to run one after the other; together they take one slot.
  struct Batch {
    LaneId lane = 0;
    uint8_t level = 0;
    uint32_t count = 0;  // 0: nothing may start now
    Job* first = nullptr;
  };
  // Starts the next jobs: at most `most`, at most what set_most() says, at most an equal share of what waits for each slot, and only one of a lane whose order would show it
  // if some came back.
  Batch take(uint64_t now, uint32_t most);
  void set_most(LaneId lane, uint32_t most) { lanes_[lane]->most = most; }
  // Whether take() would give something.
  bool can_take(uint64_t now);
  // The rest of a batch, not started, back to the front of its queue. The slot is still taken.
  void give_back(const Batch& rest, uint64_t now);
  // A batch has ended, or was given up: its slot is free again.
  void done(LaneId lane, uint64_t completed);
  // A job goes on without a worker: it counts against its lane's max_concurrency until release().
  void hold(LaneId lane);
  void release(LaneId lane);
  // The highest level at which something may start, a slot provided; 256: none.
  unsigned best_level() const;

  void pause(LaneId lane);
  void resume(LaneId lane);
  // When the passing of time alone changes what may start; 0: never. A time that has passed counts as now.
  uint64_t next_ns() const;

  struct Notice {
    LaneId lane;
    LaneNotice kind;
  };
  // What lanes have come to since the last call.
  std::vector<Notice> take_notices() { return std::exchange(notices_, {}); }

 private:
  struct Lane;
  // The jobs of one lane at one level. It stands in the level's ring while one of them may start.
  struct Entry {
    Entry(Lane& l, uint8_t at, LaneOrder order) : lane(l), level(at), queue(order) {}
    Lane& lane;
    const uint8_t level;
    LaneQueue queue;
    uint64_t deficit = 0;  // jobs that are left of its turn
    Entry* next = nullptr;
    Entry* previous = nullptr;
  };
  struct Lane {
    LaneId id = 0;
    LaneConfig config;
    std::map<uint8_t, Entry> entries;  // by level; a lane without boost has one
    Entry* own = nullptr;              // the one at the lane's priority
    std::vector<Rate> rates;
    AgeList by_age;
    bool aged = false;                 // by_age is kept
    bool single = false;               // jobs are taken one by one
    uint32_t reserved = 0;             // what counts of min_concurrency
    uint32_t limit = 0;
    uint32_t most = UINT32_MAX;
    uint32_t running = 0;
    uint32_t held = 0;
    uint64_t waiting = 0, delayed = 0, submitted = 0, started = 0, completed = 0;
    uint64_t held_until = 0;           // by a rate; 0: not held
    int owed_level = -1;               // its place in owed_lanes_
    bool paused = false, under_pressure = false;
  };

  uint32_t owed(const Lane& lane) const { return lane.paused || lane.reserved <= lane.running ? 0 : lane.reserved - lane.running; }
  bool is_open(const Lane& lane) const {
    return !lane.paused && lane.running < lane.limit && lane.running + lane.held < lane.config.max_concurrency && lane.held_until == 0;
  }
  void reserve();
  void refresh(Lane& lane);
  void refresh(Entry& entry, bool open);
  void link(Entry& entry);
  void unlink(Entry& entry);
  Entry& entry(Lane& lane, uint8_t level);
  void enqueue(Lane& lane, Job* job, uint64_t now);
  void leave(Lane& lane, Job* job);
  std::vector<Job*> empty(Lane& lane);
  void fill(Lane& lane, std::vector<Job*> jobs, uint64_t now);
  void note_idle(Lane& lane);
  void note(Lane& lane, LaneNotice kind);
  Entry* choose();
  bool may_start(Lane& lane, uint64_t now);
  void tick(uint64_t now);

  const unsigned slots_;
  unsigned running_ = 0;
  unsigned owed_slots_ = 0;                              // reserved and not in use
  std::vector<std::unique_ptr<Lane>> lanes_;             // by id
  std::map<std::string, LaneId, std::less<>> by_name_;
  std::array<Entry*, 256> rings_{};                      // by level: the entry whose turn it is
  std::array<uint64_t, 4> levels_{};                     // a bit per ring that is not empty
  std::set<std::pair<int, LaneId>> owed_lanes_;          // level and lane: could start a job on a reserved slot
  JobAlarms alarms_;                                     // delayed jobs, and the next boost of waiting ones
  std::set<std::pair<uint64_t, LaneId>> held_;           // lanes held by a rate, by when they are not
  std::vector<Notice> notices_;
  uint64_t last_number_ = 0;
};

}  // namespace heddle
