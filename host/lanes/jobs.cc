#include "lanes/jobs.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <deque>
#include <map>
#include <random>
#include <shared_mutex>
#include <unordered_map>

namespace heddle {
namespace {

constexpr size_t kShards = 16;  // so that jobs seldom meet in the tables

uint64_t random_number() {
  thread_local std::mt19937_64 generator(std::random_device{}());
  return generator();
}

}  // namespace

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
  WorkerId worker = 0;                    // while the function is inside
  bool held = false;                      // it goes on without a worker
  bool counted = false;                   // as waiting, in its lane's book
  Alarm alarm;                            // the timeout of the attempt, then the grace
};

struct Jobs::State : std::enable_shared_from_this<Jobs::State> {
  using Record = JobRun::Record;
  using Stop = JobRun::Stop;
  using RecordPtr = std::shared_ptr<Record>;

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
  void count(LaneId lane, Count what) { book(lane).counts[what].fetch_add(1, std::memory_order_relaxed); }
  Shard& shard_of(JobId id) { return shards[id % kShards]; }
  Shard& shard_of(const std::string& key) { return shards[std::hash<std::string>()(key) % kShards]; }
  RecordPtr find(JobId id);
  void tell(const Record& r, std::string_view what, std::string text = {}, double percent = 0);

  Result<void> admit(const RecordPtr& record, const LaneConfig& config);
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
  std::multimap<uint32_t, std::weak_ptr<Record>> preemptible;  // that run, by their lane's priority
};

Jobs::State::Book& Jobs::State::book(LaneId lane) {
  {
    std::shared_lock lock(books_mutex);
    if (lane < books.size()) return *books[lane];
  }
  std::unique_lock lock(books_mutex);
  while (books.size() <= lane) books.push_back(std::make_unique<Book>());
  return *books[lane];
}

Jobs::State::RecordPtr Jobs::State::find(JobId id) {
  Shard& shard = shard_of(id);
  std::lock_guard lock(shard.mutex);
  const auto found = shard.jobs.find(id);
  return found == shard.jobs.end() ? nullptr : found->second;
}

void Jobs::State::tell(const Record& r, std::string_view what, std::string text, double percent) {
  if (!events.wanted()) return;
  events.tell({.key = "queue.job." + std::string(what), .lane = r.spec.lane, .type = r.spec.type, .job = r.id, .attempt = r.attempt, .text = std::move(text),
               .percent = percent});
}

// Counts the job as waiting, as the lane's depth allows.
Result<void> Jobs::State::admit(const RecordPtr& record, const LaneConfig& config) {
  Book& b = book(record->in_lane);
  std::unique_lock lock(b.mutex);
  while (b.waiting >= config.depth) {
    if (config.when_full == LaneFull::kBlock) {
      b.room.wait(lock, [&] { return b.waiting < config.depth || closed; });
      if (closed) return Error("closed", "the host takes no more jobs: it is shutting down", ErrorClass::kRetryable);
      continue;
    }
    Job* const oldest = config.when_full == LaneFull::kShedOldest ? lanes.take_oldest(record->in_lane) : nullptr;
    if (!oldest) {
      count(record->in_lane, kRejected);
      return Error("lane-full", "lane \"" + config.name + "\" has " + std::to_string(b.waiting) + " jobs waiting, which is all it takes: try again later",
                   ErrorClass::kRetryable);
    }
    Record& shed = *static_cast<Record*>(oldest);
    const RecordPtr keep = shed.shared_from_this();
    lock.unlock();
    std::unique_lock mine(shed.mutex);
    count(shed.in_lane, kShed);
    finish(shed, mine, JobState::kDead, Error("shed", "lane \"" + config.name + "\" was full, and this was the job that waited longest"), {});
    lock.lock();
  }
  ++b.waiting;
  record->counted = true;
  return {};
}

// [r.mutex held]
void Jobs::State::waits_no_more(Record& r) {
  if (!std::exchange(r.counted, false)) return;
  Book& b = book(r.in_lane);
  {
    std::lock_guard lock(b.mutex);
    --b.waiting;
  }
  b.room.notify_one();
}

// [r.mutex held]
void Jobs::State::enqueue(Record& r, uint64_t not_before_ns) {
  if (!std::exchange(r.counted, true)) {
    Book& b = book(r.in_lane);
    std::lock_guard lock(b.mutex);
    ++b.waiting;
  }
  if (not_before_ns > now_ns()) lanes.post_at(not_before_ns, r.in_lane, &r);
  else lanes.post(r.in_lane, &r);
}

// A job waits and no worker is free: asks the running job of the lowest preemptible lane to go back to its queue.
void Jobs::State::preempt_for(uint32_t priority) {
  if (lanes.has_free_worker()) return;
  RecordPtr lowest;
  {
    std::lock_guard lock(mutex);
    while (!preemptible.empty() && !lowest) {
      const auto last = std::prev(preemptible.end());
      if (last->first <= priority) return;
      lowest = last->second.lock();
      preemptible.erase(last);
    }
  }
  if (!lowest) return;
  uint64_t fence;
  {
    std::lock_guard lock(lowest->mutex);
    fence = lowest->fence;
  }
  stop(*lowest, fence, Stop::kPreempted);
}

void Jobs::State::start(Job* job) noexcept {
  Record& r = *static_cast<Record*>(job);
  const RecordPtr keep = r.shared_from_this();
  keep->state->begin(r);
}

void Jobs::State::begin(Record& r) {
  const LaneConfig config = lanes.config(r.in_lane);
  JobPolicy policy;
  {
    Book& b = book(r.in_lane);
    std::lock_guard lock(b.mutex);
    policy = b.policy;
  }
  std::unique_lock lock(r.mutex);
  waits_no_more(r);
  if (r.stop != Stop::kNo) return finish(r, lock, JobState::kCancelled, Error("cancelled", "cancelled before it began", ErrorClass::kCancelled), {});
  if (r.now != JobState::kWaiting && r.now != JobState::kBackingOff) return;
  r.now = JobState::kRunning;
  const uint64_t fence = ++r.fence;
  JobRun run(r.shared_from_this(), ++r.attempt, fence);
  r.started_ns = now_ns();
  r.worker = Lanes::current_worker();
  if (policy.timeout_ns > 0) set_alarm(r, policy.timeout_ns);
  tell(r, "started");
  lock.unlock();
  if (config.preemptible) {
    std::lock_guard all(mutex);
    preemptible.emplace(config.priority, r.weak_from_this());
  }
  try {
    (*r.function)(run);
  } catch (const std::exception& thrown) {
    run.complete(Error("thrown", std::string("the job threw: ") + thrown.what()));
  } catch (...) {
    run.complete(Error("thrown", "the job threw something that is no exception"));
  }
  lock.lock();
  if (r.fence != fence || r.now != JobState::kRunning) return;
  r.worker = 0;
  r.held = true;
  lanes.hold(r.in_lane);
}

// [r.mutex held]
void Jobs::State::set_alarm(Record& r, uint64_t after_ns) {
  clear_alarm(r);
  r.alarm.owner = &r;
  r.alarm.record = r.shared_from_this();
  r.alarm.fence = r.fence;
  r.alarm.run = &State::ring;
  r.alarm.timer = lanes.alarm(now_ns() + after_ns, &r.alarm);
}

// [r.mutex held]
void Jobs::State::clear_alarm(Record& r) {
  if (r.alarm.timer == 0) return;
  if (lanes.cancel(std::exchange(r.alarm.timer, 0))) r.alarm.record.reset();
  else ++r.alarm.stale;
}

// On the timers' thread.
void Jobs::State::ring(Job* job) noexcept {
  auto& alarm = *static_cast<Record::Alarm*>(job);
  Record& r = *alarm.owner;
  RecordPtr keep;
  uint64_t fence;
  bool told;
  {
    std::lock_guard lock(r.mutex);
    keep = r.shared_from_this();
    if (alarm.stale > 0) {
      --alarm.stale;
      if (alarm.timer == 0 && alarm.stale == 0) alarm.record.reset();
      return;
    }
    alarm.timer = 0;
    alarm.record.reset();
    fence = alarm.fence;
    if (r.now != JobState::kRunning || r.fence != fence) return;
    told = r.stop != Stop::kNo;
    if (!told) keep->state->tell(r, "timeout");
  }
  if (told) return keep->state->give_up(r, fence);
  keep->state->count(r.in_lane, kTimedOut);
  keep->state->stop(r, fence, Stop::kTimedOut);
}

void Jobs::State::stop(Record& r, uint64_t fence, Stop why) {
  uint64_t grace_ns;
  {
    Book& b = book(r.in_lane);
    std::lock_guard lock(b.mutex);
    grace_ns = b.policy.grace_ns;
  }
  std::vector<std::function<void(Stop)>> to_tell;
  {
    std::lock_guard lock(r.mutex);
    if (r.now != JobState::kRunning || r.fence != fence || r.stop != Stop::kNo) return;
    r.stop = why;
    to_tell.swap(r.to_tell);
    set_alarm(r, grace_ns);
    if (why == Stop::kPreempted) tell(r, "preempted");
  }
  if (why == Stop::kPreempted) count(r.in_lane, kPreempted);
  for (const auto& tell_it : to_tell) tell_it(why);
}

// The attempt was told to stop and has not, within its grace.
void Jobs::State::give_up(Record& r, uint64_t fence) {
  WorkerId worker;
  {
    std::lock_guard lock(r.mutex);
    if (r.now != JobState::kRunning || r.fence != fence) return;
    worker = std::exchange(r.worker, 0);
  }
  count(r.in_lane, kGivenUp);
  answer(r, fence, Error("given-up", "the job did not end within its grace time after it was told to", ErrorClass::kRetryable));
  if (worker != 0) lanes.abandon(worker);
}

void Jobs::State::answer(Record& r, uint64_t fence, Result<Value> result) {
  RetryPolicy retry;
  {
    Book& b = book(r.in_lane);
    std::lock_guard lock(b.mutex);
    retry = b.policy.retry;
  }
  std::unique_lock lock(r.mutex);
  if (r.now != JobState::kRunning || r.fence != fence) return;
  clear_alarm(r);
  const Stop stop = std::exchange(r.stop, Stop::kNo);
  r.to_tell.clear();
  r.worker = 0;
  if (std::exchange(r.held, false)) lanes.release(r.in_lane);
  if (result) return finish(r, lock, JobState::kDone, std::nullopt, std::move(*result));
  Error error = std::move(result).error();
  if (stop == Stop::kPreempted) {  // as if this attempt had not been
    --r.attempt;
    r.now = JobState::kWaiting;
    return enqueue(r, 0);
  }
  r.failed.push_back({r.attempt, error.text(), now_ns() - r.started_ns});
  if (stop == Stop::kCancelled || stop == Stop::kShutdown) return finish(r, lock, JobState::kCancelled, std::move(error), {});
  count(r.in_lane, kFailed);
  tell(r, "failed", error.text());
  const bool again = stop == Stop::kTimedOut || (error.error_class != ErrorClass::kConfig && error.error_class != ErrorClass::kCancelled);
  if (!again || r.attempt >= retry.max_attempts || closed) return finish(r, lock, JobState::kDead, std::move(error), {});
  r.now = JobState::kBackingOff;
  r.error = std::move(error);
  count(r.in_lane, kRetried);
  tell(r, "retry");
  enqueue(r, now_ns() + retry.wait_ns(r.attempt + 1, random_number()));
}

void Jobs::State::finish(Record& r, std::unique_lock<std::mutex>& lock, JobState state, std::optional<Error> error, Value result) {
  const RecordPtr keep = r.shared_from_this();
  waits_no_more(r);
  clear_alarm(r);
  r.now = state;
  r.error = std::move(error);
  r.result = std::move(result);
  std::vector<RecordPtr> dependents = std::move(r.dependents);
  r.dependents.clear();
  const bool done = state == JobState::kDone;
  count(r.in_lane, done ? kDone : state == JobState::kDead ? kDead : kCancelled);
  tell(r, done ? "completed" : state == JobState::kDead ? "dead_lettered" : "cancelled", r.error ? r.error->text() : std::string());
  remember(r, state == JobState::kDead);  // before anybody sees that it is over
  lock.unlock();
  r.over.notify_all();
  after_end(r, done, std::move(dependents));
}

// [r.mutex held] A dead job stays until it is discarded or there are too many; of the others the last ones are remembered.
void Jobs::State::remember(Record& r, bool is_dead) {
  JobId forgotten = 0;
  {
    std::lock_guard lock(mutex);
    --active;
    if (is_dead) {
      dead.push_back(r.id);
      if (dead.size() > settings.dead) {
        forgotten = dead.front();
        dead.pop_front();
        ++dead_lost;
      }
    }
  }
  fewer.notify_all();
  const auto forget = [&](JobId id) {
    std::string key;
    {
      Shard& shard = shard_of(id);
      std::lock_guard lock(shard.mutex);
      const auto found = shard.jobs.find(id);
      if (found == shard.jobs.end()) return;
      key = found->second->spec.idempotency_key;
      shard.jobs.erase(found);
    }
    if (key.empty()) return;
    Shard& shard = shard_of(key);
    std::lock_guard lock(shard.mutex);
    if (const auto found = shard.keys.find(key); found != shard.keys.end() && found->second == id) shard.keys.erase(found);
  };
  if (forgotten != 0) forget(forgotten);
  if (is_dead) return;
  forgotten = 0;
  {
    Shard& shard = shard_of(r.id);
    std::lock_guard lock(shard.mutex);
    shard.over.push_back(r.id);
    if (shard.over.size() > std::max<size_t>(1, settings.remembered / kShards)) {
      forgotten = shard.over.front();
      shard.over.pop_front();
    }
  }
  if (forgotten != 0) forget(forgotten);
}

void Jobs::State::after_end(Record& r, bool done, std::vector<RecordPtr> dependents) {
  for (const RecordPtr& next : dependents) {
    std::unique_lock lock(next->mutex);
    if (next->now != JobState::kBlocked) continue;
    if (!done) {
      finish(*next, lock, JobState::kDead, Error("dependency", "job " + std::to_string(r.id) + ", which it waits for, did not get done"), {});
    } else if (--next->missing == 0) {
      next->now = JobState::kWaiting;
      enqueue(*next, next->spec.not_before_ns);
    }
  }
}

bool Jobs::State::cancel(const RecordPtr& record, Stop why) {
  Record& r = *record;
  uint64_t fence;
  {
    std::unique_lock lock(r.mutex);
    if (is_over(r.now)) return false;
    fence = r.fence;
    if (r.now != JobState::kRunning) {
      if (r.now == JobState::kBlocked || lanes.cancel(&r)) {
        finish(r, lock, JobState::kCancelled, Error("cancelled", "cancelled before it began", ErrorClass::kCancelled), {});
      } else {
        r.stop = why;  // a worker is about to begin it, and sees this
      }
      return true;
    }
  }
  stop(r, fence, why);
  return true;
}

JobView Jobs::State::view_locked(const Record& r) {
  return {.id = r.id, .type = r.spec.type, .lane = r.spec.lane, .state = r.now, .attempt = r.attempt, .progress = r.progress, .result = r.result,
          .error = r.error, .failed_attempts = r.failed};
}

// --- JobRun -------------------------------------------------------------------------------------------------------------------------------------------------------

JobId JobRun::id() const { return record_->id; }
const Value& JobRun::payload() const { return record_->spec.payload; }

Value JobRun::checkpoint() const {
  std::lock_guard lock(record_->mutex);
  return record_->progress.checkpoint;
}

JobRun::Stop JobRun::stop() const {
  std::lock_guard lock(record_->mutex);
  return record_->fence == fence_ ? record_->stop : Stop::kCancelled;
}

void JobRun::on_stop(std::function<void(Stop)> told) const {
  Stop why;
  {
    std::lock_guard lock(record_->mutex);
    if (record_->fence != fence_ || record_->now != JobState::kRunning) return;
    why = record_->stop;
    if (why == Stop::kNo) return record_->to_tell.push_back(std::move(told));
  }
  told(why);
}

void JobRun::progress(JobProgress progress) const {
  std::lock_guard lock(record_->mutex);
  if (record_->fence != fence_ || record_->now != JobState::kRunning) return;
  if (!progress.checkpoint) progress.checkpoint = record_->progress.checkpoint;
  record_->progress = std::move(progress);
  record_->state->tell(*record_, "progress", record_->progress.message, record_->progress.percent);
}

void JobRun::complete(Result<Value> result) const { record_->state->answer(*record_, fence_, std::move(result)); }

// --- Jobs ---------------------------------------------------------------------------------------------------------------------------------------------------------

Jobs::Jobs(Lanes& lanes, Settings settings) : state_(std::make_shared<State>(lanes, settings)) {}

Jobs::~Jobs() {
  for (State::Shard& shard : state_->shards) {
    std::lock_guard lock(shard.mutex);
    shard.jobs.clear();  // records hold the state alive
  }
}

void Jobs::add_type(std::string type, Function function) {
  std::unique_lock lock(state_->types_mutex);
  state_->types.emplace(std::move(type), std::move(function));
}

void Jobs::set_policy(LaneId lane, JobPolicy policy) {
  State::Book& book = state_->book(lane);
  std::lock_guard lock(book.mutex);
  book.policy = policy;
}

Result<JobId> Jobs::submit(JobSpec spec) {
  State& s = *state_;
  if (s.closed) return Error("closed", "the host takes no more jobs: it is shutting down", ErrorClass::kRetryable);
  const auto lane = s.lanes.find(spec.lane);
  if (!lane) return Error("no-lane", "there is no lane \"" + spec.lane + "\"", ErrorClass::kConfig);
  if (spec.payload && spec.payload.weight() > s.settings.payload_bytes) {
    return Error("too-large", "the payload has " + std::to_string(spec.payload.weight()) + " bytes, at most " + std::to_string(s.settings.payload_bytes) + " are taken",
                 ErrorClass::kConfig);
  }
  auto record = std::make_shared<JobRun::Record>();
  {
    std::shared_lock lock(s.types_mutex);
    const auto type = s.types.find(spec.type);
    if (type == s.types.end()) return Error("no-type", "nothing here runs jobs of type \"" + spec.type + "\"", ErrorClass::kConfig);
    record->function = &type->second;
  }
  const LaneConfig config = s.lanes.config(*lane);
  record->state = state_;
  record->in_lane = *lane;
  record->id = ++s.last_id;
  record->spec = std::move(spec);
  record->key = record->spec.key;
  record->priority = record->spec.priority;
  record->due_ns = record->spec.due_ns;
  record->may_be_shed = true;
  record->run = &State::start;
  const std::string& key = record->spec.idempotency_key;
  const JobId id = record->id;
  if (!key.empty()) {
    State::Shard& shard = s.shard_of(key);
    std::lock_guard lock(shard.mutex);
    const auto [known, fresh] = shard.keys.emplace(key, id);
    if (!fresh) return known->second;
  }
  if (auto admitted = s.admit(record, config); !admitted) {
    State::Shard& shard = s.shard_of(key);
    std::lock_guard lock(shard.mutex);
    if (!key.empty()) shard.keys.erase(key);
    return std::move(admitted).error();
  }
  std::vector<std::shared_ptr<JobRun::Record>> needed;
  for (const JobId other : record->spec.after) {
    needed.push_back(s.find(other));
    if (needed.back()) continue;
    std::lock_guard lock(record->mutex);
    s.waits_no_more(*record);
    if (!key.empty()) {
      State::Shard& shard = s.shard_of(key);
      std::lock_guard keys(shard.mutex);
      shard.keys.erase(key);
    }
    return Error("no-job", "it is to run after job " + std::to_string(other) + ", which is not known", ErrorClass::kConfig);
  }
  {
    std::lock_guard lock(s.mutex);
    ++s.active;
  }
  {
    State::Shard& shard = s.shard_of(id);
    std::lock_guard lock(shard.mutex);
    shard.jobs.emplace(id, record);
  }
  s.count(*lane, State::kSubmitted);
  s.tell(*record, "submitted");
  // One more than it waits for, until all have been asked: so it does not begin meanwhile.
  {
    std::lock_guard lock(record->mutex);
    record->missing = needed.size() + 1;
  }
  for (const auto& other : needed) {
    bool done = false, failed = false;
    {
      std::lock_guard lock(other->mutex);
      done = other->now == JobState::kDone;
      failed = !done && is_over(other->now);
      if (!done && !failed) other->dependents.push_back(record);
    }
    if (done || failed) s.after_end(*other, done, {record});
  }
  {
    std::unique_lock lock(record->mutex);
    if (record->now == JobState::kBlocked && --record->missing == 0) {
      record->now = JobState::kWaiting;
      s.enqueue(*record, record->spec.not_before_ns);
    }
  }
  s.preempt_for(config.priority);
  return id;
}

std::optional<JobView> Jobs::find(JobId id) const {
  const auto record = state_->find(id);
  if (!record) return std::nullopt;
  std::lock_guard lock(record->mutex);
  return State::view_locked(*record);
}

std::vector<JobView> Jobs::list(size_t most) const {
  std::vector<std::shared_ptr<JobRun::Record>> records;
  for (const State::Shard& shard : state_->shards) {
    std::lock_guard lock(shard.mutex);
    for (const auto& [id, record] : shard.jobs) records.push_back(record);
  }
  std::sort(records.begin(), records.end(), [](const auto& a, const auto& b) { return a->id < b->id; });
  if (records.size() > most) records.resize(most);
  std::vector<JobView> views;
  for (const auto& record : records) {
    std::lock_guard lock(record->mutex);
    views.push_back(State::view_locked(*record));
  }
  return views;
}

std::optional<JobView> Jobs::wait(JobId id, uint64_t timeout_ms) const {
  const auto record = state_->find(id);
  if (!record) return std::nullopt;
  std::unique_lock lock(record->mutex);
  if (!record->over.wait_for(lock, std::chrono::milliseconds(timeout_ms), [&] { return is_over(record->now); })) return std::nullopt;
  return State::view_locked(*record);
}

bool Jobs::cancel(JobId id) {
  const auto record = state_->find(id);
  return record && state_->cancel(record, JobRun::Stop::kCancelled);
}

std::vector<JobView> Jobs::dead() const {
  std::deque<JobId> ids;
  {
    std::lock_guard lock(state_->mutex);
    ids = state_->dead;
  }
  std::vector<JobView> views;
  for (const JobId id : ids) {
    if (auto view = find(id); view && view->state == JobState::kDead) views.push_back(*std::move(view));
  }
  return views;
}

bool Jobs::requeue(JobId id) {
  const auto record = state_->find(id);
  if (!record || state_->closed) return false;
  {
    std::lock_guard lock(state_->mutex);
    if (std::erase(state_->dead, id) == 0) return false;
    ++state_->active;
  }
  std::lock_guard lock(record->mutex);
  record->now = JobState::kWaiting;
  record->attempt = 0;
  record->failed.clear();
  record->error.reset();
  state_->enqueue(*record, 0);
  return true;
}

bool Jobs::discard(JobId id) {
  {
    std::lock_guard lock(state_->mutex);
    if (std::erase(state_->dead, id) == 0) return false;
  }
  State::Shard& shard = state_->shard_of(id);
  std::lock_guard lock(shard.mutex);
  shard.jobs.erase(id);
  return true;
}

uint64_t Jobs::dead_lost() const {
  std::lock_guard lock(state_->mutex);
  return state_->dead_lost;
}

std::shared_ptr<EventQueue> Jobs::subscribe(EventFilter filter, size_t most) { return state_->events.subscribe(std::move(filter), most); }

JobCounts Jobs::counts(LaneId lane) const {
  const auto& c = state_->book(lane).counts;
  const auto get = [&](State::Count what) { return c[what].load(std::memory_order_relaxed); };
  return {.submitted = get(State::kSubmitted), .rejected = get(State::kRejected), .shed = get(State::kShed), .done = get(State::kDone), .failed = get(State::kFailed),
          .retried = get(State::kRetried), .timed_out = get(State::kTimedOut), .cancelled = get(State::kCancelled), .preempted = get(State::kPreempted),
          .dead = get(State::kDead), .given_up = get(State::kGivenUp)};
}

Jobs::Leftover Jobs::shutdown(uint64_t drain_ms) {
  State& s = *state_;
  s.closed = true;
  {
    std::shared_lock lock(s.books_mutex);
    for (const auto& book : s.books) book->room.notify_all();
  }
  s.events.tell({.key = "queue.shutdown.started", .lane = {}, .type = {}, .text = {}});
  const auto all_over = [&](uint64_t ms) {
    std::unique_lock lock(s.mutex);
    return s.fewer.wait_for(lock, std::chrono::milliseconds(ms), [&] { return s.active == 0; });
  };
  Leftover left;
  if (!all_over(drain_ms)) {
    std::vector<std::shared_ptr<JobRun::Record>> records;
    for (State::Shard& shard : s.shards) {
      std::lock_guard lock(shard.mutex);
      for (const auto& [id, record] : shard.jobs) records.push_back(record);
    }
    for (const auto& record : records) {
      {
        std::lock_guard lock(record->mutex);
        if (is_over(record->now)) continue;
        ++(record->now == JobState::kRunning ? left.running : left.waiting);
      }
      s.cancel(record, JobRun::Stop::kShutdown);
    }
    std::unique_lock lock(s.mutex);
    s.fewer.wait(lock, [&] { return s.active == 0; });  // ends: what does not stop is given up after its grace
  }
  s.events.tell({.key = "queue.shutdown.drained", .lane = {}, .type = {}, .text = {}});
  return left;
}

}  // namespace heddle
