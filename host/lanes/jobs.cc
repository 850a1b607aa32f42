#include "lanes/jobs.h"

#include <algorithm>
#include <chrono>

#include "lanes/job_state.h"

namespace heddle {

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

JobPolicy Jobs::policy(LaneId lane) const { return state_->policy(lane); }

std::vector<std::string> Jobs::types() const {
  std::shared_lock lock(state_->types_mutex);
  std::vector<std::string> names;
  for (const auto& [name, function] : state_->types) names.push_back(name);
  return names;
}

Result<JobId> Jobs::submit(JobSpec spec) {
  Result<Accepted> accepted = submit_now(std::move(spec), true);
  if (!accepted) return std::move(accepted).error();
  return accepted->id;
}

void Jobs::submit(JobSpec spec, std::function<void(Result<Accepted>)> accepted) { accepted(submit_now(std::move(spec), false)); }

Result<Jobs::Accepted> Jobs::submit_now(JobSpec spec, bool may_wait) {
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
  record->submitted_ms = wall_ms();
  if (const uint64_t now = now_ns(); record->spec.not_before_ns > now) {
    record->not_before_ms = record->submitted_ms + (record->spec.not_before_ns - now + kNsPerMs - 1) / kNsPerMs;
  }
  record->run = &State::start;
  const std::string& key = record->spec.idempotency_key;
  const JobId id = record->id;
  if (!key.empty()) {
    State::Shard& shard = s.shard_of(key);
    std::lock_guard lock(shard.mutex);
    const auto [known, fresh] = shard.keys.emplace(key, id);
    if (!fresh) return Accepted{known->second, false};
  }
  if (auto admitted = s.admit(record, config, may_wait); !admitted) {
    s.forget_key(key, id);
    return std::move(admitted).error();
  }
  std::vector<std::shared_ptr<JobRun::Record>> needed;
  for (const JobId other : record->spec.after) {
    needed.push_back(s.find(other));
    if (needed.back()) continue;
    std::lock_guard lock(record->mutex);
    s.waits_no_more(*record);
    s.forget_key(key, id);
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
  return Accepted{id, true};
}

std::optional<JobView> Jobs::find(JobId id) const {
  const auto record = state_->find(id);
  if (!record) return std::nullopt;
  std::lock_guard lock(record->mutex);
  return State::view_locked(*record);
}

std::vector<JobView> Jobs::list(const JobFilter& filter) const {
  std::vector<std::shared_ptr<JobRun::Record>> records;
  for (const State::Shard& shard : state_->shards) {
    std::lock_guard lock(shard.mutex);
    for (const auto& [id, record] : shard.jobs) {
      if (id > filter.after) records.push_back(record);
    }
  }
  std::sort(records.begin(), records.end(), [](const auto& a, const auto& b) { return a->id < b->id; });
  std::vector<JobView> views;
  for (const auto& record : records) {
    if (views.size() >= filter.most) break;
    std::lock_guard lock(record->mutex);
    if (State::takes(filter, *record)) views.push_back(State::view_locked(*record));
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

void Jobs::when_over(JobId id, std::function<void(std::optional<JobView>)> over) {
  const auto record = state_->find(id);
  if (!record) return over(std::nullopt);
  std::optional<JobView> view;
  {
    std::lock_guard lock(record->mutex);
    if (!is_over(record->now)) return record->told_over.push_back(std::move(over));
    view = State::view_locked(*record);
  }
  over(std::move(view));
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
  state_->forget(id);
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
