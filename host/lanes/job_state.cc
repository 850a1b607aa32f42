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

Result<Jobs::State::Submitted> Jobs::State::submit(JobSpec spec, bool may_wait) {
  if (closed) return Error("closed", "the host takes no more jobs: it is shutting down", ErrorClass::kRetryable);
  if (spec.payload && spec.payload.weight() > settings.payload_bytes) {
    return Error("too-large", "the payload has " + std::to_string(spec.payload.weight()) + " bytes, at most " + std::to_string(settings.payload_bytes) + " are taken",
                 ErrorClass::kConfig);
  }
  const auto record = std::make_shared<Record>();
  record->spec = std::move(spec);
  if (!find_function(*record)) return *record->error;
  record->durability = policy(record->in_lane).durability;
  if (record->durability != Durability::kMemory && !journal) {
    return Error("no-store", "lane \"" + record->spec.lane + "\" is durable, and this host has no store", ErrorClass::kConfig);
  }
  record->id = ++last_id;
  record->submitted_ms = wall_ms();
  if (const uint64_t now = now_ns(); record->spec.not_before_ns > now) {
    record->not_before_ms = record->submitted_ms + (record->spec.not_before_ns - now + kNsPerMs - 1) / kNsPerMs;
  }
  prepare(record);
  const bool durable = record->durability != Durability::kMemory;
  if (durable && record->id + kReservedIds / 2 > reserved_id) reserve_ids(record->id);
  if (durable && accepting >= kMostAccepting) {
    return Error("busy", std::to_string(kMostAccepting) + " jobs are being written, which is all at a time: try again later", ErrorClass::kRetryable);
  }
  if (const auto known = claim_key(record)) return Submitted{known, false};
  for (const JobId other : record->spec.after) {
    record->needs.push_back(find(other));
    if (!record->needs.back()) {
      return refuse(record, Error("no-job", "it is to run after job " + std::to_string(other) + ", which is not known", ErrorClass::kConfig));
    }
    if (durable && record->needs.back()->durability == Durability::kMemory) {
      return refuse(record, Error("not-durable", "it is to run after job " + std::to_string(other) + ", which would not outlive the host", ErrorClass::kConfig));
    }
  }
  if (auto admitted = admit(record, may_wait); !admitted) return refuse(record, std::move(admitted).error());
  ++active;
  {
    Shard& shard = shard_of(record->id);
    std::lock_guard lock(shard.mutex);
    shard.jobs.emplace(record->id, record);
  }
  count(record->in_lane, kSubmitted);
  tell(*record, "submitted");
  std::unique_lock lock(record->mutex);
  if (!durable) {
    settle(*record, lock);
  } else {
    accepting.fetch_add(1, std::memory_order_relaxed);
    save(*record, lock);
    if (record->durability == Durability::kDurable) return Submitted{record};  // saved() lets it go on
  }
  enter(*record);
  preempt_for(lanes.priority(record->in_lane));
  return Submitted{record};
}

// The job that has this idempotency key already; null: now this one has it, or it has none.
Jobs::State::RecordPtr Jobs::State::claim_key(const RecordPtr& record) {
  const std::string& key = record->spec.idempotency_key;
  if (key.empty()) return nullptr;
  Shard& shard = shard_of(key);
  std::lock_guard lock(shard.mutex);
  const auto [known, fresh] = shard.keys.emplace(key, record);
  return fresh ? nullptr : known->second;
}

// Who submitted the same key meanwhile hears the same.
Error Jobs::State::refuse(const RecordPtr& record, Error why) {
  forget_key(record->spec.idempotency_key, record->id);
  std::unique_lock lock(record->mutex);
  settle(*record, lock, why);
  return why;
}

// [lock held on entry, not after]
void Jobs::State::settle(Record& r, std::unique_lock<std::mutex>& lock, std::optional<Error> refusal) {
  r.acceptance = refusal ? Record::Acceptance::kRefused : Record::Acceptance::kAccepted;
  if (refusal) r.refusal = std::make_unique<const Error>(*std::move(refusal));
  const std::vector<std::function<void()>> told = std::move(r.told_accepted);
  r.told_accepted.clear();
  lock.unlock();
  r.changed.notify_all();
  for (const auto& tell_it : told) tell_it();
}

// Lets the job go to its lane, when those it is to run after are done.
void Jobs::State::enter(Record& r) {
  const RecordPtr record = r.shared_from_this();
  std::vector<RecordPtr> needs;
  {
    // One more than it waits for, until all have been asked: so it does not begin meanwhile.
    std::lock_guard lock(r.mutex);
    needs.swap(r.needs);
    r.missing = needs.size() + 1;
  }
  for (const RecordPtr& other : needs) {
    bool done = false, failed = false;
    {
      std::lock_guard lock(other->mutex);
      done = other->now == JobState::kDone;
      failed = !done && is_over(other->now);
      if (!done && !failed) other->dependents.push_back(record);
    }
    if (done || failed) after_end(*other, done, {record});
  }
  std::unique_lock lock(r.mutex);
  if (r.now != JobState::kBlocked) return;
  if (r.is_kept() && closed) return leave(r, lock);
  if (--r.missing > 0) return;
  r.now = JobState::kWaiting;
  enqueue(r, lock, r.spec.not_before_ns);
}

// Counts the job as waiting, as the lane's depth allows.
Result<void> Jobs::State::admit(const RecordPtr& record, bool may_wait) {
  const LaneId lane = record->in_lane;
  Book& b = book(lane);
  const LaneFull when_full = lanes.when_full(lane);
  for (;;) {
    uint64_t waiting = b.waiting;
    while (waiting < lanes.depth(lane)) {
      if (!b.waiting.compare_exchange_weak(waiting, waiting + 1)) continue;
      record->counted = true;
      watch_depth(lane, b, waiting + 1);
      return {};
    }
    if (when_full == LaneFull::kBlock && may_wait) {
      std::unique_lock lock(b.mutex);
      ++b.blocked;
      b.room.wait(lock, [&] { return b.waiting < lanes.depth(lane) || closed; });
      --b.blocked;
      if (closed) return Error("closed", "the host takes no more jobs: it is shutting down", ErrorClass::kRetryable);
      continue;
    }
    Job* const oldest = when_full == LaneFull::kShedOldest ? lanes.take_oldest(lane) : nullptr;
    if (!oldest) {
      count(lane, kRejected);
      return Error("lane-full", "lane \"" + record->spec.lane + "\" has " + std::to_string(waiting) + " jobs waiting, which is all it takes: try again later",
                   ErrorClass::kRetryable);
    }
    Record& shed = *static_cast<Record*>(oldest);
    const RecordPtr keep = shed.shared_from_this();
    std::unique_lock mine(shed.mutex);
    count(lane, kShed);
    finish(shed, mine, JobState::kDead, Error("shed", "lane \"" + record->spec.lane + "\" was full, and this was the job that waited longest"), {});
  }
}

// [r.mutex held]
void Jobs::State::waits_no_more(Record& r, bool begins) {
  if (!std::exchange(r.counted, false)) return;
  Book& b = book(r.in_lane);
  const uint64_t waiting = b.waiting.fetch_sub(1) - 1;
  // Either who is about to wait for room sees that there is some, or this one sees that somebody waits.
  if (b.blocked > 0) {
    { std::lock_guard lock(b.mutex); }
    b.room.notify_one();
  }
  watch_depth(r.in_lane, b, waiting);
  if (begins) b.waited.record_shared(r.started_ns > r.due_at_ns ? r.started_ns - r.due_at_ns : 0);
}

// [lock held on entry, not after] Its state says that it waits. The worker that takes it wants the mutex at once: so it is let go before. Who cancels it in between sees that no
// lane has it, and leaves word for begin().
void Jobs::State::enqueue(Record& r, std::unique_lock<std::mutex>& lock, uint64_t not_before_ns) {
  const RecordPtr keep = r.shared_from_this();
  if (!std::exchange(r.counted, true)) {
    Book& b = book(r.in_lane);
    watch_depth(r.in_lane, b, ++b.waiting);
  }
  const uint64_t due_at_ns = r.due_at_ns = std::max(not_before_ns, now_ns());
  lock.unlock();
  if (due_at_ns == not_before_ns) lanes.post_at(not_before_ns, r.in_lane, &r);
  else lanes.post(r.in_lane, &r);
}

// A job waits and no worker is free: asks the running job of the lowest preemptible lane to go back to its queue.
void Jobs::State::preempt_for(uint32_t priority) {
  if (preemptible_count == 0 || lanes.has_free_worker()) return;
  RecordPtr lowest;
  {
    std::lock_guard lock(mutex);
    if (preemptible.empty() || preemptible.rbegin()->first <= priority) return;
    lowest = preemptible.rbegin()->second;
    preemptible.erase(std::prev(preemptible.end()));  // it is asked once
    preemptible_count = preemptible.size();
  }
  uint64_t fence;
  {
    std::lock_guard lock(lowest->mutex);
    fence = lowest->fence;
  }
  stop(*lowest, fence, Stop::kPreempted);
}

// [r.mutex held] Gives its place in the lane back, if it has one without a worker.
void Jobs::State::let_go(Record& r) {
  if (std::exchange(r.held, false)) lanes.release(r.in_lane);
}

// [lock held on entry, not after] An end that must be written is told when it is. Where the journal is behind, the job keeps its place in the lane
// until then: so a lane runs ahead of it by no more than its max_concurrency.
void Jobs::State::finish(Record& r, std::unique_lock<std::mutex>& lock, JobState state, std::optional<Error> error, Value result) {
  waits_no_more(r);
  clear_alarm(r);
  r.ends_as = state;
  r.error = error ? std::make_unique<const Error>(*std::move(error)) : nullptr;
  r.result = std::move(result);
  if (!r.is_kept()) return publish(r, lock);
  if (r.now == JobState::kRunning && writes >= kManyWrites && !std::exchange(r.held, true)) lanes.hold(r.in_lane);
  r.now = JobState::kEnding;
  save(r, lock);
}

// [r.mutex held] Tells those who asked when it is over how it stands now; to be called without the mutex. Empty: nobody did.
std::function<void()> Jobs::State::take_told_over(Record& r) {
  if (r.told_over.empty()) return nullptr;
  return [told = std::exchange(r.told_over, {}), view = view_locked(r)] {
    for (const auto& tell_it : told) tell_it(view);
  };
}

// [lock held on entry, not after]
void Jobs::State::publish(Record& r, std::unique_lock<std::mutex>& lock) {
  const RecordPtr keep = r.shared_from_this();
  let_go(r);
  r.now = r.ends_as;
  r.ended_ms = wall_ms();
  const std::function<void()> tell_over = take_told_over(r);
  std::vector<RecordPtr> dependents = std::move(r.dependents);
  r.dependents.clear();
  const bool done = r.now == JobState::kDone, is_dead = r.now == JobState::kDead;
  count(r.in_lane, done ? kDone : is_dead ? kDead : kCancelled);
  tell(r, done ? "completed" : is_dead ? "dead_lettered" : "cancelled", r.error ? r.error->text() : std::string());
  watch_end(r);
  remember(keep, is_dead);  // before anybody sees that it is over
  lock.unlock();
  r.changed.notify_all();
  if (tell_over) tell_over();
  after_end(r, done, std::move(dependents));
}

// [lock held on entry, not after] The process ends, and the journal has the job for the next one.
void Jobs::State::leave(Record& r, std::unique_lock<std::mutex>& lock) {
  waits_no_more(r);
  clear_alarm(r);
  let_go(r);
  if (std::exchange(r.left, true)) return lock.unlock();
  const std::function<void()> tell_over = take_told_over(r);
  lock.unlock();
  r.changed.notify_all();
  if (tell_over) tell_over();
  one_less();
}

void Jobs::State::one_less() {
  if (active.fetch_sub(1) > 1 || !closed) return;
  { std::lock_guard lock(mutex); }  // whoever waits has looked, or will see
  fewer.notify_all();
}

// [record->mutex held] A dead job stays until it is discarded or there are too many; of the others the last ones are remembered.
void Jobs::State::remember(const RecordPtr& record, bool is_dead) {
  one_less();
  keep_over(record, is_dead);
}

void Jobs::State::keep_over(const RecordPtr& record, bool is_dead) {
  JobId gone = 0;
  if (is_dead) {
    std::lock_guard lock(mutex);
    dead.push_back(record->id);
    if (dead.size() > settings.dead) {
      gone = dead.front();
      dead.pop_front();
      ++dead_lost;
    }
  } else {
    Shard& shard = shard_of(record->id);
    std::lock_guard lock(shard.mutex);
    shard.over.push_back(record->id);
    if (shard.over.size() > std::max<size_t>(1, settings.remembered / kShards)) {
      gone = shard.over.front();
      shard.over.pop_front();
    }
  }
  if (gone != 0) forget(gone);
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
    if (record->durability != Durability::kMemory && record->outlives_its_end()) shard.forgotten.push_back(id);
  }
  forget_key(record->spec.idempotency_key, id);
}

void Jobs::State::forget_key(const std::string& key, JobId id) {
  if (key.empty()) return;
  Shard& shard = shard_of(key);
  std::lock_guard lock(shard.mutex);
  if (const auto found = shard.keys.find(key); found != shard.keys.end() && found->second->id == id) shard.keys.erase(found);
}

void Jobs::State::after_end(Record& r, bool done, std::vector<RecordPtr> dependents) {
  for (const RecordPtr& next : dependents) {
    std::unique_lock lock(next->mutex);
    if (next->now != JobState::kBlocked) continue;
    if (!done) {
      finish(*next, lock, JobState::kDead, Error("dependency", "job " + std::to_string(r.id) + ", which it waits for, did not get done"), {});
    } else if (--next->missing == 0) {
      next->now = JobState::kWaiting;
      enqueue(*next, lock, next->spec.not_before_ns);
    }
  }
}

bool Jobs::State::cancel(const RecordPtr& record, Stop why) {
  Record& r = *record;
  uint64_t fence;
  {
    std::unique_lock lock(r.mutex);
    if (is_over(r.now) || r.left) return false;
    const bool stays = why == Stop::kShutdown && r.is_kept();
    fence = r.fence;
    if (r.now == JobState::kEnding) {
      if (stays && lanes.cancel(&r)) leave(r, lock);  // it waited to be written again
      return false;
    }
    if (r.now != JobState::kRunning) {
      const bool never_begins = r.now == JobState::kStranded || r.now == JobState::kBlocked || lanes.cancel(&r);
      if (!never_begins) {
        r.stop = why;  // a worker is about to begin it, and sees this
      } else if (stays) {
        leave(r, lock);
      } else {
        if (r.now == JobState::kStranded) unstrand(r.id);
        finish(r, lock, JobState::kCancelled, Error("cancelled", "cancelled before it began", ErrorClass::kCancelled), {});
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
  JobView view = {.id = r.id, .type = r.spec.type, .lane = r.spec.lane, .state = r.now, .durable = r.durability != Durability::kMemory,
                  .priority = r.spec.priority, .idempotency_key = r.spec.idempotency_key, .payload = r.spec.payload, .submitted_ms = r.submitted_ms,
                  .not_before_ms = r.not_before_ms, .started_ms = r.started_ms, .ended_ms = r.ended_ms, .attempt = r.attempt, .progress = r.progress,
                  .failed_attempts = r.failed};
  if (r.now == JobState::kEnding) return view;
  view.result = r.result;
  if (r.error) view.error = *r.error;
  return view;
}

}  // namespace heddle
