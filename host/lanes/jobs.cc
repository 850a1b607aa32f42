#include "lanes/jobs.h"

#include <algorithm>
#include <chrono>

#include "lanes/job_state.h"

namespace heddle {

Jobs::Jobs(Lanes& lanes, Settings settings) : state_(std::make_shared<State>(lanes, settings)) {
  lanes.on_notice([weak = std::weak_ptr(state_)](LaneId lane, LaneNotice notice) {
    if (const auto state = weak.lock()) state->tell(lane, notice);
  });
}

Jobs::~Jobs() {
  state_->stop_watching();
  // Records hold each other.
  std::vector<std::shared_ptr<JobRun::Record>> records;
  for (State::Shard& shard : state_->shards) {
    std::lock_guard lock(shard.mutex);
    for (auto& record : shard.jobs.take_all()) records.push_back(std::move(record));
    shard.keys.clear();
  }
  for (const auto& record : records) {
    std::lock_guard lock(record->mutex);
    if (!record->rare) continue;
    record->rare->dependents.clear();
    record->rare->needs.clear();
  }
  std::lock_guard lock(state_->mutex);
  state_->stranded.clear();
}

void Jobs::add_type(std::string type, Function function) {
  {
    std::lock_guard lock(state_->mutex);
    state_->types.add(std::move(type), std::move(function));
  }
  state_->revive();
}

void Jobs::set_policy(LaneId lane, JobPolicy policy) {
  if (LaneConfig config = state_->lanes.config(lane); policy.durability != Durability::kMemory && config.max_concurrency > kMostDurable) {
    config.max_concurrency = kMostDurable;
    (void)state_->lanes.add(config).has_value();  // it was good before
  }
  JobBook& book = state_->book(lane);
  std::lock_guard lock(book.mutex);
  book.policy = policy;
  book.durability = policy.durability;
  book.timeout_ns = policy.timeout_ns;
  book.watch.set(policy.alerts);
  book.settle_what_is_watched();
}

JobPolicy Jobs::policy(LaneId lane) const { return State::policy(state_->book(lane)); }

std::vector<std::string> Jobs::types() const {
  std::vector<std::string> names;
  state_->types.each([&](const auto& type) { names.push_back(type.name); });
  std::sort(names.begin(), names.end());
  return names;
}

void Jobs::revive() { state_->revive(); }

Result<JobId> Jobs::submit(JobSpec spec) {
  auto submitted = state_->submit(std::move(spec), true);
  if (!submitted) return std::move(submitted).error();
  JobRun::Record& r = *submitted->record;
  if (r.durability == Durability::kMemory && submitted->is_new) return r.id;
  std::unique_lock lock(r.mutex);
  if (r.acceptance == JobRun::Record::Acceptance::kPending) {
    r.make_rare().changed.wait(lock, [&] { return r.acceptance != JobRun::Record::Acceptance::kPending; });  // ends: the journal answers every call
  }
  if (r.acceptance == JobRun::Record::Acceptance::kRefused) return *r.rare->refusal;
  return r.id;
}

void Jobs::submit(JobSpec spec, std::function<void(Result<Accepted>)> accepted) {
  auto submitted = state_->submit(std::move(spec), false);
  if (!submitted) return accepted(std::move(submitted).error());
  JobRun::Record& r = *submitted->record;
  const auto answer = [record = submitted->record, is_new = submitted->is_new, accepted = std::move(accepted)] {
    std::optional<Error> refusal;
    {
      std::lock_guard lock(record->mutex);
      if (record->acceptance == JobRun::Record::Acceptance::kRefused) refusal = *record->rare->refusal;
    }
    if (refusal) accepted(*std::move(refusal));
    else accepted(Accepted{record->id, is_new});
  };
  {
    std::lock_guard lock(r.mutex);
    if (r.acceptance == JobRun::Record::Acceptance::kPending) return r.make_rare().told_accepted.push_back(answer);
  }
  answer();
}

std::optional<JobView> Jobs::find(JobId id) const {
  const auto record = state_->find(id);
  if (!record) return std::nullopt;
  std::lock_guard lock(record->mutex);
  return State::view_locked(*record);
}

std::vector<JobView> Jobs::list(const JobFilter& filter) const {
  std::vector<JobId> ids;
  for (const State::Shard& shard : state_->shards) {
    std::lock_guard lock(shard.mutex);
    shard.jobs.each([&](JobId id, const auto&) {
      if (id > filter.after && id < filter.before) ids.push_back(id);
    });
  }
  // A heap, for of a million only the first few are looked at.
  const auto later = [&](JobId a, JobId b) { return filter.newest_first ? a < b : a > b; };
  std::make_heap(ids.begin(), ids.end(), later);
  std::vector<JobView> views;
  while (!ids.empty() && views.size() < filter.most) {
    std::pop_heap(ids.begin(), ids.end(), later);
    const auto record = state_->find(ids.back());
    ids.pop_back();
    if (!record) continue;
    std::lock_guard lock(record->mutex);
    if (State::takes(filter, *record)) views.push_back(State::view_locked(*record));
  }
  return views;
}

std::optional<JobView> Jobs::wait(JobId id, uint64_t timeout_ms) const {
  const auto record = state_->find(id);
  if (!record) return std::nullopt;
  std::unique_lock lock(record->mutex);
  const auto ended = [&] { return is_over(record->now) || record->left; };
  if (!ended()) record->make_rare().changed.wait_for(lock, std::chrono::milliseconds(timeout_ms), ended);
  if (!is_over(record->now)) return std::nullopt;
  return State::view_locked(*record);
}

bool Jobs::cancel(JobId id) {
  const auto record = state_->find(id);
  return record && state_->cancel(*record, JobRun::Stop::kCancelled);
}

void Jobs::when_over(JobId id, std::function<void(std::optional<JobView>)> over) {
  const auto record = state_->find(id);
  if (!record) return over(std::nullopt);
  std::optional<JobView> view;
  {
    std::lock_guard lock(record->mutex);
    if (!is_over(record->now) && !record->left) return record->make_rare().told_over.push_back(std::move(over));
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
  if (!record || !state_->one_more()) return false;
  {
    std::unique_lock lock(state_->mutex);
    if (std::erase(state_->dead, id) == 0) {
      lock.unlock();
      state_->one_less();
      return false;
    }
  }
  std::unique_lock lock(record->mutex);
  record->now = JobState::kWaiting;
  record->attempt = 0;
  record->ended_ms = 0;
  if (record->rare) record->rare->failed.clear();
  record->error.reset();
  if (record->is_kept()) {
    state_->save(*record, lock);
    lock.lock();
  }
  if (!record->function) {
    if (auto missing = state_->find_function(*record, *record->type, *record->lane_name)) {
      record->error = std::make_unique<const Error>(*std::move(missing));
      state_->strand(*record);
      return true;
    }
  }
  state_->enqueue(*record, lock, 0);
  return true;
}

bool Jobs::discard(JobId id) {
  {
    std::lock_guard lock(state_->mutex);
    if (std::erase(state_->dead, id) == 0) return false;
  }
  state_->forget(id);
  state_->write_forgotten();
  return true;
}

size_t Jobs::dead_count() const {
  std::lock_guard lock(state_->mutex);
  return state_->dead.size();
}

uint64_t Jobs::dead_lost() const {
  std::lock_guard lock(state_->mutex);
  return state_->dead_lost;
}

std::shared_ptr<EventQueue> Jobs::subscribe(EventFilter filter, size_t most) { return state_->events.subscribe(std::move(filter), most); }

JobCounts Jobs::counts(LaneId lane) const {
  JobBook& book = state_->book(lane);
  const auto get = [&](JobCount what) { return book.counter(what).load(std::memory_order_relaxed); };
  return {.submitted = get(JobCount::kSubmitted), .rejected = get(JobCount::kRejected), .shed = get(JobCount::kShed), .done = get(JobCount::kDone),
          .failed = get(JobCount::kFailed), .retried = get(JobCount::kRetried), .timed_out = get(JobCount::kTimedOut), .cancelled = get(JobCount::kCancelled),
          .preempted = get(JobCount::kPreempted), .dead = get(JobCount::kDead), .given_up = get(JobCount::kGivenUp)};
}

LaneTimes Jobs::times(LaneId lane) const {
  const JobBook& book = state_->book(lane);
  LaneTimes sum;
  sum.waited.add(book.out.waited);
  sum.ran.add(book.out.ran);
  return sum;
}

std::vector<Alert> Jobs::alerts() const { return state_->standing_alerts(); }

void Jobs::on_alert(std::function<void(const Alert&)> told) { state_->on_alert = std::move(told); }

Jobs::Leftover Jobs::shutdown(uint64_t drain_ms) {
  State& s = *state_;
  s.closed = true;
  for (const auto& slot : s.books) {
    JobBook* const book = slot;
    if (!book) continue;
    { std::lock_guard lock(book->mutex); }  // who waits for room has looked, or will see
    book->room.notify_all();
  }
  s.events.tell({.key = "queue.shutdown.started"});
  const auto all_over = [&](uint64_t ms) {
    std::unique_lock lock(s.mutex);
    return s.fewer.wait_for(lock, std::chrono::milliseconds(ms), [&] { return !s.has_active(); });
  };
  const auto all = [&] {
    std::vector<std::shared_ptr<JobRun::Record>> records;
    for (State::Shard& shard : s.shards) {
      std::lock_guard lock(shard.mutex);
      shard.jobs.each([&](JobId, const auto& record) { records.push_back(record); });
    }
    return records;
  };
  Leftover left;
  // Durable jobs that do not run stay for the next start.
  for (const auto& record : all()) {
    {
      std::lock_guard lock(record->mutex);
      if (!record->is_kept() || is_over(record->now) || record->now == JobState::kRunning || record->now == JobState::kEnding) continue;
      ++left.waiting;
      ++left.kept;
    }
    s.cancel(*record, JobRun::Stop::kShutdown);
  }
  if (!all_over(drain_ms)) {
    // First those that wait: what runs makes room for them when it ends.
    for (const bool runs : {false, true}) {
      for (const auto& record : all()) {
        {
          std::lock_guard lock(record->mutex);
          if (is_over(record->now) || record->left || (record->now == JobState::kRunning) != runs) continue;
          ++(runs ? left.running : left.waiting);
          if (record->is_kept()) ++left.kept;
        }
        s.cancel(*record, JobRun::Stop::kShutdown);
      }
    }
    std::unique_lock lock(s.mutex);
    s.fewer.wait(lock, [&] { return !s.has_active(); });  // ends: what does not stop is given up after its grace, and the journal answers every call
  }
  s.write_forgotten();
  s.write_last_id();
  s.wait_for_writes();
  s.events.tell({.key = "queue.shutdown.drained"});
  return left;
}

}  // namespace heddle
