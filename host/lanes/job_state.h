// What Jobs and JobRun share, and nobody else sees: the record of each job, and the tables. A million records may wait: what few of them need is held by pointer.
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

#include "lanes/job_journal.h"
#include "lanes/jobs.h"

namespace heddle {

// Locks: a record's mutex comes before those of Lanes, of the tables and of the events. No two records are locked at once, and none while the journal is called.
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

  Durability durability = Durability::kMemory;

  enum class Acceptance : uint8_t { kPending, kAccepted, kRefused };  // settled once; pending while a durable job is being written
  std::mutex mutex;
  std::condition_variable changed;        // acceptance, its end, left
  // Guarded by mutex:
  JobState now = JobState::kBlocked;
  Acceptance acceptance = Acceptance::kPending;
  uint32_t attempt = 0;
  uint64_t fence = 0;                     // counts how often it was begun
  Stop stop = Stop::kNo;
  std::vector<std::function<void(Stop)>> to_tell;
  std::vector<std::function<void()>> told_accepted;
  std::vector<std::function<void(std::optional<JobView>)>> told_over;
  JobProgress progress;
  Value result;                           // while now is kEnding, that and the error are not shown
  std::unique_ptr<const Error> error;     // of its end or its last attempt; what a stranded one lacks
  std::unique_ptr<const Error> refusal;   // while acceptance is kRefused
  JobState ends_as = JobState::kDone;     // while now is kEnding
  std::vector<JobAttempt> failed;
  std::vector<std::shared_ptr<Record>> needs;  // what it is to run after, until it has asked them
  size_t missing = 0;                     // jobs it waits for
  std::vector<std::shared_ptr<Record>> dependents;
  uint64_t due_at_ns = 0;                 // when it could have begun: from then on it waits
  uint64_t started_ns = 0, took_ns = 0;   // the last attempt
  uint64_t submitted_ms = 0, not_before_ms = 0, started_ms = 0, ended_ms = 0;
  WorkerId worker = 0;                    // while the function is inside
  bool held = false;                      // it goes on without a worker
  bool counted = false;                   // as waiting, in its lane's book
  bool saving = false;                    // a call of the journal has not returned
  bool unsaved = false;                   // and there is something newer to write
  bool left = false;                      // at the end of the process: for the next one
  std::unique_ptr<Alarm> alarm;           // the timeout of the attempt, then the grace; made when first set

  // Its record stays when it is over, as long as it is remembered. Of a job that is done and has no key nobody needs it: that it is gone says enough.
  bool outlives_its_end() const { return ends_as != JobState::kDone || !spec.idempotency_key.empty(); }
  bool is_kept() const { return durability != Durability::kMemory && acceptance != Acceptance::kRefused; }  // [mutex held]
};

struct Jobs::State : std::enable_shared_from_this<Jobs::State> {
  using Record = JobRun::Record;
  using Stop = JobRun::Stop;
  using RecordPtr = std::shared_ptr<Record>;

  static constexpr size_t kShards = 16;  // so that jobs seldom meet in the tables

  static constexpr JobId kReservedIds = 4'096;
  static constexpr size_t kMostAccepting = 16'384;
  static constexpr size_t kManyWrites = 1'024;  // the journal is behind
  static constexpr uint64_t kWriteAgainNs = kNsPerSecond;  // after an end could not be written

  State(Lanes& l, Settings s) : lanes(l), settings(s), system(l.find("system").value_or(0)) {}

  // What is kept of a lane.
  struct Book {
    Book() { settle_what_is_watched(); }

    std::mutex mutex;
    std::condition_variable room;
    JobPolicy policy;      // guarded by mutex
    std::atomic<uint64_t> waiting{0};
    std::atomic<size_t> blocked{0};  // who waits for room
    LaneWatch watch;       // guarded by mutex
    // Up to here nobody needs the watch, and so not the mutex.
    std::atomic<uint64_t> calm_below{0};
    std::atomic<bool> watches_ends{false};
    std::atomic<uint64_t> timeout_ns{0};
    Histogram waited, ran;
    struct Look : Job {    // at what time alone changes: the oldest job, a level that settles
      State* state = nullptr;
      LaneId of = 0;
    } look;
    bool looking = false;  // guarded by mutex
    void settle_what_is_watched();
    std::array<std::atomic<uint64_t>, 11> counts{};
  };
  enum Count : size_t { kSubmitted, kRejected, kShed, kDone, kFailed, kRetried, kTimedOut, kCancelled, kPreempted, kDead, kGivenUp };
  struct Shard {
    mutable std::mutex mutex;
    std::unordered_map<JobId, RecordPtr> jobs;
    std::unordered_map<std::string, RecordPtr> keys;  // idempotency
    std::deque<JobId> over;
    std::vector<JobId> forgotten;  // durable: their records are to be erased with a next write
  };

  Book& book(LaneId lane);
  JobPolicy policy(LaneId lane);
  void count(LaneId lane, Count what) { book(lane).counts[what].fetch_add(1, std::memory_order_relaxed); }
  Shard& shard_of(JobId id) { return shards[id % kShards]; }
  Shard& shard_of(const std::string& key) { return shards[std::hash<std::string>()(key) % kShards]; }
  RecordPtr find(JobId id);
  void tell(const Record& r, std::string_view what, std::string text = {}, double percent = 0);

  // The way in (job_state.cc, jobs.cc).
  struct Submitted {
    RecordPtr record;
    bool is_new = true;
  };
  Result<Submitted> submit(JobSpec spec, bool may_wait);
  void prepare(const RecordPtr& record);
  RecordPtr claim_key(const RecordPtr& record);
  Result<void> admit(const RecordPtr& record, bool may_wait);
  Error refuse(const RecordPtr& record, Error why);
  void settle(Record& r, std::unique_lock<std::mutex>& lock, std::optional<Error> refusal = {});
  void enter(Record& r);
  void waits_no_more(Record& r, bool begins = false);
  void enqueue(Record& r, std::unique_lock<std::mutex>& lock, uint64_t not_before_ns);
  void preempt_for(uint32_t priority);

  // One attempt (job_run.cc).
  static void start(Job* job) noexcept;
  void begin(Record& r);
  void answer(Record& r, uint64_t fence, Result<Value> result);
  void stop(Record& r, uint64_t fence, Stop why);
  void set_alarm(Record& r, uint64_t after_ns);
  void clear_alarm(Record& r);
  static void ring(Job* job) noexcept;
  void give_up(Record& r, uint64_t fence);

  // The way out (job_state.cc).
  void one_less();
  void let_go(Record& r);
  void finish(Record& r, std::unique_lock<std::mutex>& lock, JobState state, std::optional<Error> error, Value result);
  static std::function<void()> take_told_over(Record& r);
  void publish(Record& r, std::unique_lock<std::mutex>& lock);
  void leave(Record& r, std::unique_lock<std::mutex>& lock);
  void after_end(Record& r, bool done, std::vector<RecordPtr> dependents);
  bool cancel(const RecordPtr& record, Stop why);

  // What is said when something is wrong with a lane (job_watch.cc).
  void watch_depth(LaneId lane, Book& b, uint64_t waiting);
  void watch_end(const Record& r);
  void look_later(LaneId lane, Book& b);
  static void look(Job* job) noexcept;
  void tell_all(LaneId lane, LaneWatch::Changes& changes);
  void tell(LaneId lane, LaneNotice notice);
  void tell(LaneId lane, Alert alert);
  static void tell_alerts(Job* job) noexcept;
  std::vector<Alert> standing_alerts();
  void stop_watching();

  // What is written of durable jobs (job_keeping.cc).
  void write(std::vector<JobJournal::Change> changes, JobJournal::Done done);
  void wait_for_writes();
  void save(Record& r, std::unique_lock<std::mutex>& lock);
  void saved(Record& r, bool ends, Result<void> outcome);
  void withdraw(Record& r, std::unique_lock<std::mutex>& lock, Error why);
  static void take_forgotten(Shard& shard, std::vector<JobJournal::Change>& changes);
  void write_forgotten();
  Result<Restored> restore(std::shared_ptr<JobJournal> journal);
  bool find_function(Record& r);
  void strand(Record& r);
  void unstrand(JobId id);
  void revive();
  void write_last_id();
  void reserve_ids(JobId id);
  void remember(const RecordPtr& record, bool is_dead);
  void keep_over(const RecordPtr& record, bool is_dead);
  void forget(JobId id);
  void forget_key(const std::string& key, JobId id);
  static bool takes(const JobFilter& filter, const Record& r);
  static JobView view_locked(const Record& r);

  Lanes& lanes;
  const Settings settings;
  const LaneId system;
  std::function<void(const Alert&)> on_alert;
  JobEvents events;
  std::shared_ptr<JobJournal> journal;                  // null: nothing is durable; set before the first submit
  uint64_t boot = 0;                                    // how often this journal was opened; set with it
  std::atomic<size_t> active{0};                        // jobs that are neither over nor left; `fewer` tells of 0 once closed
  std::atomic<size_t> writes{0};                        // calls of the journal without an answer
  std::atomic<size_t> accepting{0};                     // submits without an answer
  std::atomic<JobId> last_id{0};
  std::atomic<JobId> reserved_id{UINT64_MAX};           // the journal knows that durable jobs may have ids up to this one
  std::atomic<bool> closed{false};
  std::array<Shard, kShards> shards;

  std::shared_mutex types_mutex;
  std::map<std::string, Function> types;                // guarded by types_mutex; never erased
  std::shared_mutex books_mutex;
  std::vector<std::unique_ptr<Book>> books;             // guarded by books_mutex; never shrinks

  std::mutex mutex;
  std::condition_variable fewer;
  // Guarded by mutex:
  std::map<JobId, RecordPtr> stranded;
  std::deque<Alert> alerts;                             // to be told
  bool telling = false;
  struct Telling : Job { State* state = nullptr; } telling_job;
  std::deque<JobId> dead;
  uint64_t dead_lost = 0;
  std::set<std::pair<uint32_t, RecordPtr>> preemptible;  // that have a worker, by their lane's priority
  std::atomic<size_t> preemptible_count{0};             // written under mutex; may be read without
};

}  // namespace heddle
