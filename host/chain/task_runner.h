// TaskRunner: the tasks of one worker, from the offer to the end. Recovery is no second code path: after a start the journal is read, compared with the chain, and each task goes on from its state.
//
// step() is the whole life of a task: look at its state, do the one thing that it calls for, write the next. Everything runs on one strand, so nothing here has a lock; what takes time (the chain, the
// journal, the work) answers by another function on the strand.
#pragma once
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "chain/task.h"
#include "chain/task_chain.h"
#include "chain/task_journal.h"
#include "chain/task_work.h"
#include "histogram.h"
#include "lanes/jobs.h"
#include "lanes/strand.h"
#include "result.h"

namespace heddle {

struct TaskQueue {
  std::string name;
  uint32_t partition = 0;
  std::string lane = "default";
  uint64_t limit = 0;  // tasks at once; 0: as the lane and the work allow
};

struct TaskSettings {
  std::string name;                // of the worker
  std::vector<TaskQueue> queues;
  uint64_t limit = 64;             // tasks at once, of all queues
  uint64_t poll_ms = 1'000;        // between two looks for work
  uint64_t heartbeat_ms = 0;       // 0: a third of what is left of the lease
  uint64_t reconcile_ms = 60'000;
  uint64_t scan_s = 10'800;        // of events, where there is no cursor
  uint64_t claim_s = 60;           // until a claim is given up
  uint64_t deadline_ms = 0;        // of the work on a task, attempts and all; 0: the chain's
  uint32_t max_attempts = 5;
  uint64_t keep_ms = uint64_t{45} * 24 * 3'600'000;  // tasks that are over
};

// All are counted since the start.
struct TaskCounts {
  uint64_t offers = 0, claims = 0, claims_lost = 0, heartbeats = 0, heartbeats_failed = 0, settled = 0, failed = 0, lost = 0, expired = 0, attempts = 0, attempts_failed = 0, stale = 0,
           reconciliations = 0, repairs = 0;
  std::map<TaskState, uint64_t> open = {};  // at the last tick
  Durations claim_to_work = {}, work_to_submit = {};
};

class TaskRunner {
 public:
  struct Parts {
    TaskChain chain;
    TaskJournal* journal = nullptr;
    TaskWork work;
    Lanes* lanes = nullptr;
    Jobs* jobs = nullptr;  // whose type "task/NAME" is this worker's
  };
  // Everything in `parts` outlives it.
  TaskRunner(TaskSettings settings, Parts parts);
  ~TaskRunner();
  TaskRunner(const TaskRunner&) = delete;
  TaskRunner& operator=(const TaskRunner&) = delete;

  // [start] Reads the journal and begins. `account`: ours, as the chain calls it. Errors: of the journal, of lanes.
  Result<void> start(const std::string& account);
  // [any] Takes nothing more.
  void drain();
  // [setup] Waits until nothing is under way in any pipeline, `drain_ms` at most; then gives up what is. Nothing is lost: what is not over goes on with the next start.
  void stop(uint64_t drain_ms);

  // [any] The answers come on any thread.
  struct View {
    Task task;
    uint32_t percent = 0;
    std::string message = {}, note = {};  // note: what it waits for
  };
  void list(std::function<void(std::vector<View>)> told);
  // Of this activity, or, where there is none, of those whose ids begin so, `most` at most: the open run, or the last one that is remembered.
  void find(const std::string& activity, size_t most, std::function<void(std::vector<View>)> told);
  // It is told to the chain as a failure, with this reason. "not-found", "too-late": it is over, or as good as.
  void cancel(const std::string& activity, const std::string& reason, std::function<void(Result<void>)> told);
  TaskCounts counts() const;

 private:
  struct Entry {
    Task task;
    size_t queue = 0;           // the index of its queue
    bool busy = false;          // something was asked for it, and has not come
    bool writing = false;       // its next state is on the way to the journal
    bool ending = false;        // its end is being written: nothing else counts any more
    bool doubted = false;       // the chain is asked whether it is ours, beside all else
    uint32_t not_shown = 0;     // how often in a row the chain had it as nobody's
    bool has_room = false;      // it may be worked on, and counts as if it were
    uint64_t again_ns = 0;      // not before
    uint32_t failures = 0;      // in a row, of the same step
    std::string note = {};
    Value input = {};           // BYTES; empty: not read yet
    JobId job = 0;              // under way; 0: none
    bool is_written = false;    // the attempt is, and may begin
    uint64_t seen_ns = 0, computed_ns = 0, work_until_ns = 0, checkpoint_ns = 0;
    uint32_t percent = 0;
    std::string message = {};
    bool beating = false;
    uint64_t beat_ns = 0;       // the next heartbeat; 0: none is due
  };
  using Id = std::string;  // of the activity
  using Heard = std::function<void(Entry&, Result<Value>)>;

  // task_runner.cc
  void on_strand(std::function<void()> function) { strand_.run(std::move(function)); }
  // A function that may be called on any thread: `function` follows on the strand. What comes after the end is dropped.
  template <class Given>
  std::function<void(Given)> later(std::function<void(Given)> function) {
    return [alive = alive_, function = std::move(function)](Given given) {
      std::lock_guard lock(alive->mutex);
      if (alive->runner) alive->runner->strand_.run([function, given = std::move(given)]() mutable { function(std::move(given)); });
    };
  }
  // The same for the answer to something that was asked for an entry, which is busy until then; dropped, too, where the entry has ended meanwhile.
  TaskChain::Done answer_to(Entry& entry, Heard heard);
  template <class Count>
  void count(Count change) {
    std::lock_guard lock(counts_mutex_);
    change(counts_);
  }
  void tick();
  void look_at(Entry& entry, uint64_t now);
  Entry* find(const Id& id, uint64_t run);
  Entry& add(Task task);
  void tell(const Task& task) const;
  // `then` follows when it is on the medium; until then it is written again and again.
  void write(Entry& entry, Result<Task> next, std::function<void(Entry&)> then);
  void end(Entry& entry, TaskState to, std::string why);
  void remember(const Task& task);
  uint64_t next_run(const Id& id) const;
  void wait(Entry& entry, const Error& why);
  uint64_t back_off(Entry& entry, const Error& why);
  void read_activity(Entry& entry, Heard heard);
  void ask_for(const Id& activity, TaskChain::Done done) const;
  bool is_ours(const Value& activity) const;
  std::vector<View> views() const;
  std::vector<View> views_of(const Id& beginning, size_t most) const;
  void count_open();
  static View view_of(const Entry& entry);

  // task_steps.cc
  void step(const Id& id, uint64_t run);
  void claim(Entry& entry);
  void claimed(Entry& entry, const Value& activity);
  void begin(Entry& entry);
  void submit(Entry& entry);
  void confirm(Entry& entry);
  // Something is not as it should be, and the chain decides what has become of it. judge: nothing goes on until it has; doubt: everything does.
  enum class Verdict : uint8_t { kLate, kRefused };
  void judge(Entry& entry, Verdict verdict, const std::string& why);
  void doubt(Entry& entry, const std::string& why);
  void end_as_said(Entry& entry, const Value& activity, const std::string& why);
  void tell_refusal(Entry& entry, const std::string& why);
  void tell_chain(Entry& entry, const char* until, const char* late, std::function<void(Entry&, const Value&)> then);
  bool claim_is_late(const Task& task) const;
  void compute(Entry& entry, TaskOutcome outcome, std::string why);
  static Value settling_intent(const Task& task, const char* until);

  // task_room.cc
  // Tasks up to the end of their work, by queue.
  struct Taken {
    uint64_t all = 0, working = 0;
  };
  std::vector<Taken> taken() const;
  uint64_t room_of(size_t queue, const std::vector<Taken>& taken, uint64_t Taken::* which) const;
  std::vector<size_t> queues_by_lane() const;
  static bool waits_for_room(const Entry& entry);
  void ask_for_room();
  void give_room();

  // task_attempts.cc
  size_t queue_of(const Task& task) const;
  const std::string& lane_of(const Entry& entry) const { return settings_.queues[entry.queue].lane; }
  void attempt(Entry& entry);
  void run_job(JobRun run);
  void attempt_over(Entry& entry, const JobView& job);
  void progressed(const Id& id, uint64_t run, const WorkProgress& said);
  void stop_work(Entry& entry);

  // task_offers.cc
  struct Candidate {
    int64_t priority = 0;
    uint64_t order = 0;
    Id id;
    bool operator<(const Candidate& o) const { return priority != o.priority ? priority > o.priority : order < o.order; }
  };
  void ask_for_work();
  void find_work();
  void look_in(size_t queue);
  void ask_queue(size_t queue);
  bool is_on_offer(const Value& activity) const;
  static bool is_expired(const Value& activity);
  bool does(const Value& activity);
  // False: there is no room for it now.
  bool consider(size_t queue, const Value& activity);
  void hear_of_chain(const Error& why);
  Value events_after(const Value& cursor, uint64_t wait_ms) const;
  void follow();
  void watch();
  void watch_failed(const Error& why);
  void take_events(const Value& page);
  void take_event(const Value& event);
  void take_offer(const Value& event);
  void scan_again();
  void scan();
  void scan_on(const Value& after, std::map<Id, Value> offers);

  // task_leases.cc
  static bool lease_is_over(const Task& task);  // by this host's clock
  void keep_lease(Entry& entry, uint64_t now);
  void judge_lease(Entry& entry);
  void beat(Entry& entry);
  void take_over(Task& task, const Value& activity) const;

  // task_reconcile.cc
  void reconcile();
  void compare(const std::set<Id>& mine);
  void adopt(const Id& id);

  const TaskSettings settings_;
  const Parts parts_;
  const std::string job_type_;
  std::string account_;

  // Of the strand:
  std::map<Id, Entry> open_;
  std::map<Id, uint64_t> last_runs_;
  std::map<Id, Task> over_;  // of this start, the last ones
  std::deque<Id> over_order_;
  std::vector<std::set<Candidate>> candidates_;  // by queue
  std::vector<bool> looking_;                    // by queue
  std::vector<uint64_t> reading_;                // by queue: candidates
  std::set<Id> adopting_;                        // with those that wait for it:
  std::deque<Id> to_adopt_;
  std::set<std::string> left_alone_;             // what the log has said of others' work
  bool chain_is_gone_ = false;
  uint64_t last_candidate_ = 0;
  Value cursor_ = {};
  uint32_t watch_failures_ = 0;
  bool are_left_out_ = false;  // offers that there was no room for among the candidates
  bool watching_ = false, reconciling_ = false, compared_ = false, scanning_ = false, draining_ = false;
  bool room_is_wanted_ = false, work_is_wanted_ = false;  // give_room(), find_work() follow
  bool has_forgotten_ = false;                            // there were more runs than those of last_runs_
  uint64_t next_poll_ns_ = 0, next_reconcile_ns_ = 0, next_scan_ns_ = 0;

  mutable std::mutex counts_mutex_;
  TaskCounts counts_;  // guarded by counts_mutex_
  Histogram claim_to_work_, work_to_submit_;
  // Whether answers still find the strand.
  struct Alive {
    std::mutex mutex;
    TaskRunner* runner = nullptr;  // guarded by mutex
  };
  const std::shared_ptr<Alive> alive_ = std::make_shared<Alive>();
  Strand strand_;  // last: nothing runs when the rest goes
};

}  // namespace heddle
