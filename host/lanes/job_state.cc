// The way of a job into its lane, and out of the tables.
#include "lanes/job_state.h"

#include <algorithm>

namespace heddle {

Jobs::State::Book& Jobs::State::book(LaneId lane) {
  {
    std::shared_lock lock(books_mutex);
    if (lane < books.size()) return *books[lane];
  }
  std::unique_lock lock(books_mutex);
  while (books.size() <= lane) books.push_back(std::make_unique<Book>());
  return *books[lane];
}

JobPolicy Jobs::State::policy(LaneId lane) {
  Book& b = book(lane);
  std::lock_guard lock(b.mutex);
  return b.policy;
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
Result<void> Jobs::State::admit(const RecordPtr& record, const LaneConfig& config, bool may_wait) {
  Book& b = book(record->in_lane);
  std::unique_lock lock(b.mutex);
  while (b.waiting >= config.depth) {
    if (config.when_full == LaneFull::kBlock && may_wait) {
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
    if (preemptible.empty() || preemptible.rbegin()->first <= priority) return;
    lowest = preemptible.rbegin()->second;
    preemptible.erase(std::prev(preemptible.end()));  // it is asked once
  }
  uint64_t fence;
  {
    std::lock_guard lock(lowest->mutex);
    fence = lowest->fence;
  }
  stop(*lowest, fence, Stop::kPreempted);
}

void Jobs::State::finish(Record& r, std::unique_lock<std::mutex>& lock, JobState state, std::optional<Error> error, Value result) {
  const RecordPtr keep = r.shared_from_this();
  waits_no_more(r);
  clear_alarm(r);
  r.now = state;
  r.error = std::move(error);
  r.result = std::move(result);
  r.ended_ms = wall_ms();
  const std::vector<std::function<void(std::optional<JobView>)>> told_over = std::move(r.told_over);
  r.told_over.clear();
  std::optional<JobView> view;
  if (!told_over.empty()) view = view_locked(r);
  std::vector<RecordPtr> dependents = std::move(r.dependents);
  r.dependents.clear();
  const bool done = state == JobState::kDone;
  count(r.in_lane, done ? kDone : state == JobState::kDead ? kDead : kCancelled);
  tell(r, done ? "completed" : state == JobState::kDead ? "dead_lettered" : "cancelled", r.error ? r.error->text() : std::string());
  remember(r, state == JobState::kDead);  // before anybody sees that it is over
  lock.unlock();
  r.over.notify_all();
  for (const auto& tell_it : told_over) tell_it(view);
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

void Jobs::State::forget(JobId id) {
  RecordPtr record;
  {
    Shard& shard = shard_of(id);
    std::lock_guard lock(shard.mutex);
    const auto found = shard.jobs.find(id);
    if (found == shard.jobs.end()) return;
    record = std::move(found->second);
    shard.jobs.erase(found);
  }
  forget_key(record->spec.idempotency_key, id);
}

void Jobs::State::forget_key(const std::string& key, JobId id) {
  if (key.empty()) return;
  Shard& shard = shard_of(key);
  std::lock_guard lock(shard.mutex);
  if (const auto found = shard.keys.find(key); found != shard.keys.end() && found->second == id) shard.keys.erase(found);
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

// [r.mutex held]
bool Jobs::State::takes(const JobFilter& filter, const Record& r) {
  return (filter.lane.empty() || filter.lane == r.spec.lane) && (filter.type.empty() || filter.type == r.spec.type) && (!filter.state || *filter.state == r.now);
}

JobView Jobs::State::view_locked(const Record& r) {
  return {.id = r.id, .type = r.spec.type, .lane = r.spec.lane, .state = r.now, .priority = r.spec.priority, .idempotency_key = r.spec.idempotency_key,
          .payload = r.spec.payload, .submitted_ms = r.submitted_ms, .not_before_ms = r.not_before_ms, .started_ms = r.started_ms, .ended_ms = r.ended_ms,
          .attempt = r.attempt, .progress = r.progress, .result = r.result,
          .error = r.error, .failed_attempts = r.failed};
}

}  // namespace heddle
