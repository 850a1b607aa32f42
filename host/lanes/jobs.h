// Jobs: work that somebody submits by type and payload, and asks about afterwards. It stands on Lanes, which decide what starts when; here is what becomes of a job: attempts,
// timeouts, cancelling, progress, dependencies, the dead, and the events of all that.
//
// A job of a lane that is kept in memory runs at most once for each attempt. One of a durable lane is written before its submit is answered, and runs again after the end of the process until
// its end is written, too: at least once; with an idempotency key and its fence, once in effect. Nobody is told of an end that is not written. After a restart those that were over are remembered if they
// have a key, or were not done.
#pragma once
#include <functional>
#include <memory>
#include <vector>

#include "lanes/job_events.h"
#include "lanes/job_journal.h"
#include "lanes/job_spec.h"
#include "lanes/lanes.h"

namespace heddle {

class JobRun;

struct JobCounts {
  uint64_t submitted = 0, rejected = 0, shed = 0, done = 0, failed = 0, retried = 0, timed_out = 0, cancelled = 0, preempted = 0, dead = 0, given_up = 0;
};

class Jobs {
 public:
  struct Settings {
    size_t remembered = 10'000;             // jobs that are over and can still be asked for
    size_t dead = 1'000;                    // dead jobs kept; the oldest go first
    size_t payload_bytes = size_t{1} << 20;
  };
  explicit Jobs(Lanes& lanes) : Jobs(lanes, Settings()) {}
  Jobs(Lanes& lanes, Settings settings);
  ~Jobs();  // no job of it may be in a lane any more: shutdown() first
  Jobs(const Jobs&) = delete;
  Jobs& operator=(const Jobs&) = delete;

  // The function runs on a worker of the job's lane. It answers `run` before it returns, or keeps it and answers later: then it holds no worker, only its place in the lane.
  using Function = std::function<void(JobRun run)>;
  void add_type(std::string type, Function function);
  // A durable lane gets a max_concurrency of at most kMostDurable: a job keeps its place until its end is written.
  static constexpr uint32_t kMostDurable = 4'096;
  void set_policy(LaneId lane, JobPolicy policy);
  JobPolicy policy(LaneId lane) const;
  // Sorted.
  std::vector<std::string> types() const;

  struct Restored {
    size_t waiting = 0, over = 0, stranded = 0;
    std::vector<std::string> missing;  // "type \"x\" (3 jobs)", "lane \"y\" (1 job)": what the stranded ones wait for
  };
  // [setup] Takes back what the journal has, and writes durable jobs into it from here on. Once, after the lanes and types are there, and before the first submit. A
  // job whose type or lane is not there is stranded until it is.
  Result<Restored> restore(std::shared_ptr<JobJournal> journal);
  // [any] Lanes were added: jobs that were stranded for one go on.
  void revive();

  // [any] Errors: "no-type", "no-lane", "no-job" (in `after`), "too-large", "lane-full" (retryable), "closed"; of a durable lane "no-store", "not-durable" (in `after`),
  // "not-written" and "busy" (retryable). A lane that blocks, and a durable one, makes this wait; so it must not be called from a job then.
  Result<JobId> submit(JobSpec spec);
  // [any] Never waits: `accepted` gets the answer once, on any thread, perhaps before this returns; it must not block. A full lane that blocks rejects here.
  struct Accepted {
    JobId id = 0;
    bool is_new = true;  // false: an earlier job with this idempotency key
  };
  void submit(JobSpec spec, std::function<void(Result<Accepted>)> accepted);
  std::optional<JobView> find(JobId id) const;
  // In the order of their ids, or the other way round.
  std::vector<JobView> list(const JobFilter& filter) const;
  // [any] Waits until the job is over; empty: not within the time, or unknown.
  std::optional<JobView> wait(JobId id, uint64_t timeout_ms) const;
  // [any] False: it is over, or unknown. One that runs is told to stop, and given up after its grace time.
  bool cancel(JobId id);
  // [any] Calls `over` once, when the job is over: on any thread, at once if it is so already; with nothing if the job is not known. It must not block.
  void when_over(JobId id, std::function<void(std::optional<JobView>)> over);

  // The dead, oldest first. requeue and discard give false for one that is not among them.
  std::vector<JobView> dead() const;
  bool requeue(JobId id);
  bool discard(JobId id);
  size_t dead_count() const;
  uint64_t dead_lost() const;  // went because there were too many

  std::shared_ptr<EventQueue> subscribe(EventFilter filter, size_t most = 1'000);
  JobCounts counts(LaneId lane) const;
  // How long its jobs waited from when they could have begun, and how long their last attempt took until its answer: also of those that hold no worker meanwhile.
  LaneTimes times(LaneId lane) const;
  // What is wrong with lanes at present.
  std::vector<Alert> alerts() const;
  // [setup] `told` is called for each that is raised or over, in their order, one at a time, by a job of the lane "system". Each is logged, too.
  void on_alert(std::function<void(const Alert&)> told);

  struct Leftover {
    size_t waiting = 0, running = 0;
    size_t kept = 0;  // of both: they are in the journal, for the next start
  };
  // Takes no more, waits `drain_ms` for all to end, then cancels what is left and waits for its grace. What it gives was neither done nor failed.
  Leftover shutdown(uint64_t drain_ms);

 private:
  friend class JobRun;
  struct State;
  std::shared_ptr<State> state_;
};

// One attempt of a job, as its type's function has it. May be copied, kept, and answered later by any thread; an answer of an attempt that is over is ignored.
class JobRun {
 public:
  enum class Stop : uint8_t { kNo, kCancelled, kTimedOut, kPreempted, kShutdown };

  JobId id() const;
  uint32_t attempt() const { return attempt_; }
  // Larger for each time that the job is begun, also after a restart: who has seen a larger one takes no more from this one.
  uint64_t fence() const;
  const std::string& idempotency_key() const;
  const Value& payload() const;
  std::optional<TraceContext> trace() const;  // of which the job is a part
  Value checkpoint() const;  // what an earlier attempt reported last; empty: nothing
  // Why this attempt is to end early; its answer is still wanted, soon.
  Stop stop() const;
  // [any] Calls `told` once, when this attempt is to end early: at once if that was said before.
  void on_stop(std::function<void(Stop)> told) const;
  void progress(JobProgress progress) const;
  // [any] The answer. Once; further ones are ignored.
  void complete(Result<Value> result) const;

  struct Record;  // of lanes' own files

 private:
  friend class Jobs;
  JobRun(std::shared_ptr<Record> record, std::shared_ptr<Jobs::State> state, uint32_t attempt, uint64_t fence)
      : record_(std::move(record)), state_(std::move(state)), attempt_(attempt), fence_(fence) {}
  std::shared_ptr<Record> record_;
  std::shared_ptr<Jobs::State> state_;
  uint32_t attempt_;
  uint64_t fence_;  // which of the times that the job was begun this is
};

}  // namespace heddle
