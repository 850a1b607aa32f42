// What Jobs and JobRun share, and nobody else sees: the record of each job, and the tables. A million records may wait: what few of them need is held by pointer.
#pragma once
#include <array>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <unordered_map>
#include <variant>

#include "lanes/adaptive.h"
#include "lanes/job_book.h"
#include "lanes/job_journal.h"
#include "lanes/job_table.h"
#include "lanes/jobs.h"
#include "lanes/name_table.h"
#include "value/pool.h"

namespace heddle {

// Locks: a record's mutex comes before those of Lanes, of the tables and of the events. No two records are locked at once, and none while the journal is called. Who calls a function
// with a record holds a reference to it until that returns.
struct JobRun::Record : Job, std::enable_shared_from_this<JobRun::Record> {
  struct Alarm : Job {
    Record* owner = nullptr;
    std::shared_ptr<Record> record;  // holds the owner while it is set
    std::shared_ptr<Jobs::State> state;
    uint64_t fence = 0;
    TimerId timer = 0;
    uint32_t stale = 0;              // times that it still rings although it was cleared
  };

  Jobs::State* state = nullptr;           // lives as long as the record is in its tables, in a lane, or an attempt of it is in somebody's hands
  JobId id = 0;
  const std::string* type = nullptr;
  const std::string* lane_name = nullptr;
  const Jobs::Function* function = nullptr;  // of its type; null: stranded
  JobBook* book = nullptr;                   // of its lane; null: stranded
  Value payload;
  uint64_t not_before_ns = 0;

  Durability durability = Durability::kMemory;

  enum class Acceptance : uint8_t { kPending, kAccepted, kRefused };  // settled once; pending while a durable job is being written
  std::mutex mutex;
  // Guarded by mutex:
  JobState now = JobState::kBlocked;
  Acceptance acceptance = Acceptance::kPending;
  Stop stop = Stop::kNo;
  JobState ends_as = JobState::kDone;     // while now is kEnding
  bool held = false;                      // it goes on without a worker
  bool counted = false;                   // as waiting, in its lane's book
  bool saving = false;                    // a call of the journal has not returned
  bool unsaved = false;                   // and there is something newer to write
  bool left = false;                      // at the end of the process: for the next one
  uint32_t attempt = 0;
  uint64_t fence = 0;                     // counts how often it was begun
  Value result;                           // while now is kEnding, that and the error are not shown
  std::unique_ptr<const Error> error;     // of its end or its last attempt; what a stranded one lacks
  uint64_t due_at_ns = 0;                 // when it could have begun: from then on it waits
  uint64_t started_ns = 0, took_ns = 0;   // the last attempt
  uint64_t submitted_ms = 0, not_before_ms = 0, started_ms = 0, ended_ms = 0;
  WorkerId worker = 0;                    // while the function is inside

  // What few jobs have.
  struct Rare {
    std::string idempotency_key;
    std::vector<JobId> after;
    std::optional<TraceContext> trace;
    std::condition_variable changed;      // acceptance, its end, left
    std::vector<std::function<void(Stop)>> to_tell;
    std::vector<std::function<void()>> told_accepted;
    std::vector<std::function<void(std::optional<JobView>)>> told_over;
    JobProgress progress;
    std::unique_ptr<const Error> refusal; // while acceptance is kRefused
    std::vector<JobAttempt> failed;
    std::vector<std::shared_ptr<Record>> needs;  // what it is to run after, until it has asked them
    size_t missing = 0;                   // jobs it waits for
    std::vector<std::shared_ptr<Record>> dependents;
    Alarm alarm;                          // the timeout of the attempt, then the grace
  };
  std::unique_ptr<Rare> rare;             // made when first needed
  Rare& make_rare() { return rare ? *rare : *(rare = std::make_unique<Rare>()); }
  const std::string& idempotency_key() const {
    static const std::string none;
    return rare ? rare->idempotency_key : none;
  }
  // To be called without the mutex, with what is read under it.
  static void notify(Rare* rare) {
    if (rare) rare->changed.notify_all();
  }

  // Its record stays when it is over, as long as it is remembered. Of a job that is done and has no key nobody needs it: that it is gone says enough.
  bool outlives_its_end() const { return ends_as != JobState::kDone || !idempotency_key().empty(); }
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
  static constexpr size_t kMostGathered = 256, kMostGatheredBytes = size_t{1} << 20;  // what is given to the journal as one
  static constexpr size_t kFewWrites = 100;      // their answers are taken where they come
  static constexpr uint64_t kWriteAgainNs = kNsPerSecond;  // after an end could not be written

  State(Lanes& l, Settings s) : lanes(l), settings(s), system(l.find(kOwnLane).value_or(0)) {}
  ~State() {
    for (auto& book : books) delete book.load();
  }

  struct Shard {
    mutable AdaptiveMutex mutex;
    JobTable jobs{kShards};
    std::unordered_map<std::string, RecordPtr> keys;  // idempotency
    struct Over {
      JobId id;
      const Record* record;  // to be fetched into the cache before it is needed; it may be gone
    };
    std::deque<Over> over;
    std::vector<JobId> forgotten;  // durable: their records are to be erased with a next write
  };

  JobBook& book(LaneId lane);
  JobBook* find_book(const std::string& lane);
  static JobPolicy policy(JobBook& book);
  Shard& shard_of(JobId id) { return shards[id % kShards]; }
  Shard& shard_of(const std::string& key) { return shards[std::hash<std::string>()(key) % kShards]; }
  RecordPtr find(JobId id);
  void tell(const Record& r, std::string_view key, std::string_view text = {}, double percent = 0);

  // The way in (job_state.cc, jobs.cc).
  struct Submitted {
    RecordPtr record;
    bool is_new = true;
  };
  Result<Submitted> submit(JobSpec spec, bool may_wait);
  RecordPtr claim_key(const RecordPtr& record);
  Result<void> admit(Record& r, bool may_wait);
  Error refuse(Record& r, Error why);
  void settle(Record& r, std::unique_lock<std::mutex>& lock, std::optional<Error> refusal = {});
  void enter(Record& r);
  void waits_no_more(Record& r, bool begins = false);
  void enqueue(Record& r, std::unique_lock<std::mutex>& lock, uint64_t not_before_ns);
  void post(Record& r, uint64_t not_before_ns);
  void preempt_for(const Record& r);

  // One attempt (job_run.cc).
  static void start(Job* job) noexcept;
  void begin(const RecordPtr& record);
  void answer(Record& r, uint64_t fence, Result<Value> result);
  void stop(Record& r, uint64_t fence, Stop why);
  void set_alarm(Record& r, uint64_t after_ns);
  void clear_alarm(Record& r);
  static void ring(Job* job) noexcept;
  void give_up(Record& r, uint64_t fence);

  // The way out (job_state.cc).
  bool one_more();
  void one_less();
  void let_go(Record& r);
  void finish(Record& r, std::unique_lock<std::mutex>& lock, JobState state, std::optional<Error> error, Value result);
  static std::function<void()> take_told_over(Record& r);
  void publish(Record& r, std::unique_lock<std::mutex>& lock);
  void leave(Record& r, std::unique_lock<std::mutex>& lock);
  void after_end(Record& r, bool done, std::vector<RecordPtr> dependents);
  bool cancel(Record& r, Stop why);

  // What is said when something is wrong with a lane (job_watch.cc).
  void watch_depth(JobBook& b);
  void watch_end(const Record& r);
  void look_later(JobBook& b);
  static void look(Job* job) noexcept;
  void tell_all(LaneId lane, LaneWatch::Changes& changes);
  void tell(LaneId lane, LaneNotice notice);
  void tell(LaneId lane, Alert alert);
  static void tell_alerts(Job* job) noexcept;
  std::vector<Alert> standing_alerts();
  void stop_watching();

  // What is written of durable jobs (job_keeping.cc).
  struct Written {
    RecordPtr of;                                       // null: the outcome does not matter
    bool ends = false;
  };
  // What one thread has to write, and gives to the journal as one.
  struct Gathered {
    State* state = nullptr;
    std::vector<JobJournal::Change> changes = {};
    std::vector<Written> of = {};
    size_t bytes = 0;
  };
  static thread_local Gathered* gathered;               // null: it writes at once
  bool write(std::vector<JobJournal::Change> changes, RecordPtr of, bool ends);
  void send(Gathered& all);
  void answered(const std::vector<Written>& of, const Result<void>& outcome);
  void take_answers();
  void wait_for_writes();
  void save(Record& r, std::unique_lock<std::mutex>& lock);
  void write_unsaved(Record& r, std::unique_lock<std::mutex>& lock);
  void saved(Record& r, bool ends, Result<void> outcome);
  void withdraw(Record& r, std::unique_lock<std::mutex>& lock, Error why);
  static void take_forgotten(Shard& shard, std::vector<JobJournal::Change>& changes);
  void write_forgotten();
  Result<Restored> restore(std::shared_ptr<JobJournal> journal);
  std::optional<Error> find_function(Record& r, const std::string& type, const std::string& lane);
  void strand(Record& r);
  void unstrand(JobId id);
  void revive();
  void write_last_id();
  void reserve_ids(JobId id);
  void keep_over(const Record& r, bool is_dead);
  static void fetch(const Record* record);
  static RecordPtr take_record(Shard& shard, JobId id);
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
  // Jobs that were taken on, and of them those that are over or left, each in its own cache line; `fewer` tells once closed that none is between.
  alignas(64) std::atomic<size_t> taken_on{0};
  alignas(64) std::atomic<size_t> let_off{0};
  bool has_active() const {
    const size_t off = let_off;  // first
    return taken_on != off;
  }
  alignas(64) std::atomic<size_t> writes{0};            // calls of the journal without an answer
  AdaptiveMutex answers_mutex;
  // Guarded by answers_mutex:
  struct Answer {
    Written written;
    Result<void> outcome;
  };
  std::vector<Answer> answers;                          // of the journal, in their order
  bool taking = false;                                  // somebody takes them, or will
  struct Taking : Job { State* state = nullptr; } taking_job;

  std::atomic<size_t> accepting{0};                     // submits without an answer
  std::atomic<JobId> last_id{0};
  std::atomic<JobId> reserved_id{UINT64_MAX};           // the journal knows that durable jobs may have ids up to this one
  std::atomic<bool> closed{false};
  std::array<Shard, kShards> shards;

  // Added to under mutex:
  NameTable<Function> types;
  NameTable<JobBook*> books_by_name;
  NameTable<std::monostate> missing_names;              // of types and lanes that were here before a restart, and are not now
  std::array<std::atomic<JobBook*>, kMaxLanes> books{}; // by lane; made when first asked for

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
