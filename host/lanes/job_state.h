// What Jobs and JobRun share, and nobody else sees: the record of each job, and the tables.
#pragma once
#include <array>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <shared_mutex>
#include <unordered_map>

#include "lanes/jobs.h"

namespace heddle {

// Locks: a record's mutex comes before those of Lanes, of the tables and of the events. No two records are locked at once.
struct JobRun::Record : Job, std::enable_shared_from_this<JobRun::Record> {
  struct Alarm : Job {
    Record* owner = nullptr;
    std::shared_ptr<Record> record;  // holds the owner while it is set
    uint64_t fence = 0;
    TimerId timer = 0;
    uint32_t stale = 0;              // times that it still rings although it was cleared
  };

  std::shared_ptr<Jobs::State> state;
  JobId id = 0;
  JobSpec spec;
  const Jobs::Function* function = nullptr;
  LaneId in_lane = 0;

  std::mutex mutex;
  std::condition_variable over;
  std::vector<std::function<void(std::optional<JobView>)>> told_over;  // guarded by mutex
  // Guarded by mutex:
  JobState now = JobState::kBlocked;
  uint32_t attempt = 0;
  uint64_t fence = 0;                     // counts how often it was begun
  Stop stop = Stop::kNo;
  std::vector<std::function<void(Stop)>> to_tell;
  JobProgress progress;
  Value result;
  std::optional<Error> error;
  std::vector<JobAttempt> failed;
  size_t missing = 0;                     // jobs it waits for
  std::vector<std::shared_ptr<Record>> dependents;
  uint64_t started_ns = 0;
  uint64_t submitted_ms = 0, not_before_ms = 0, started_ms = 0, ended_ms = 0;
  WorkerId worker = 0;                    // while the function is inside
  bool held = false;                      // it goes on without a worker
  bool counted = false;                   // as waiting, in its lane's book
  Alarm alarm;                            // the timeout of the attempt, then the grace
};

struct Jobs::State {
  using Record = JobRun::Record;
  using Stop = JobRun::Stop;
  using RecordPtr = std::shared_ptr<Record>;

  static constexpr size_t kShards = 16;  // so that jobs seldom meet in the tables

  State(Lanes& l, Settings s) : lanes(l), settings(s) {}

  // What is kept of a lane.
  struct Book {
    std::mutex mutex;
    std::condition_variable room;
    JobPolicy policy;      // guarded by mutex
    uint64_t waiting = 0;  // guarded by mutex
    std::array<std::atomic<uint64_t>, 11> counts{};
  };
  enum Count : size_t { kSubmitted, kRejected, kShed, kDone, kFailed, kRetried, kTimedOut, kCancelled, kPreempted, kDead, kGivenUp };
  struct Shard {
    mutable std::mutex mutex;
    std::unordered_map<JobId, RecordPtr> jobs;
    std::unordered_map<std::string, JobId> keys;  // idempotency
    std::deque<JobId> over;
  };

  Book& book(LaneId lane);
  JobPolicy policy(LaneId lane);
  void count(LaneId lane, Count what) { book(lane).counts[what].fetch_add(1, std::memory_order_relaxed); }
  Shard& shard_of(JobId id) { return shards[id % kShards]; }
  Shard& shard_of(const std::string& key) { return shards[std::hash<std::string>()(key) % kShards]; }
  RecordPtr find(JobId id);
  void tell(const Record& r, std::string_view what, std::string text = {}, double percent = 0);

  Result<void> admit(const RecordPtr& record, const LaneConfig& config, bool may_wait);
  void waits_no_more(Record& r);
  void enqueue(Record& r, uint64_t not_before_ns);
  void preempt_for(uint32_t priority);
  static void start(Job* job) noexcept;
  void begin(Record& r);
  void answer(Record& r, uint64_t fence, Result<Value> result);
  void stop(Record& r, uint64_t fence, Stop why);
  void set_alarm(Record& r, uint64_t after_ns);
  void clear_alarm(Record& r);
  static void ring(Job* job) noexcept;
  void give_up(Record& r, uint64_t fence);
  void finish(Record& r, std::unique_lock<std::mutex>& lock, JobState state, std::optional<Error> error, Value result);
  void after_end(Record& r, bool done, std::vector<RecordPtr> dependents);
  bool cancel(const RecordPtr& record, Stop why);
  void remember(Record& r, bool is_dead);
  void forget(JobId id);
  void forget_key(const std::string& key, JobId id);
  static bool takes(const JobFilter& filter, const Record& r);
  static JobView view_locked(const Record& r);

  Lanes& lanes;
  const Settings settings;
  JobEvents events;
  std::atomic<JobId> last_id{0};
  std::atomic<bool> closed{false};
  std::array<Shard, kShards> shards;

  std::shared_mutex types_mutex;
  std::map<std::string, Function> types;                // guarded by types_mutex; never erased
  std::shared_mutex books_mutex;
  std::vector<std::unique_ptr<Book>> books;             // guarded by books_mutex; never shrinks

  std::mutex mutex;
  std::condition_variable fewer;
  // Guarded by mutex:
  size_t active = 0;                                    // jobs that are not over
  std::deque<JobId> dead;
  uint64_t dead_lost = 0;
  std::set<std::pair<uint32_t, RecordPtr>> preemptible;  // that have a worker, by their lane's priority
};

}  // namespace heddle
