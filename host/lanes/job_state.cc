// The way of a job into its lane, and out of the tables.
#include "lanes/job_state.h"

#include <algorithm>

namespace heddle {

JobBook& Jobs::State::book(LaneId lane) {
  if (JobBook* const known = books[lane].load(std::memory_order_acquire)) return *known;
  std::lock_guard lock(mutex);
  if (!books[lane]) {
    books[lane] = new JobBook(lane, lanes.name(lane));
    books_by_name.add(books[lane].load()->name, books[lane]);
  }
  return *books[lane];
}

// Null: there is no such lane.
JobBook* Jobs::State::find_book(const std::string& lane) {
  if (const auto* const known = books_by_name.find(lane)) return known->value;
  const auto found = lanes.find(lane);
  return found ? &book(*found) : nullptr;
}

JobPolicy Jobs::State::policy(JobBook& b) {
  std::lock_guard lock(b.mutex);
  return b.policy;
}

Jobs::State::RecordPtr Jobs::State::find(JobId id) {
  Shard& shard = shard_of(id);
  std::lock_guard lock(shard.mutex);
  return shard.jobs.find(id);
}

void Jobs::State::tell(const Record& r, std::string_view key, std::string_view text, double percent) {
  if (!events.wanted()) return;
  events.tell({.key = key, .lane = *r.lane_name, .type = *r.type, .job = r.id, .attempt = r.attempt, .text = text, .percent = percent});
}

Result<Jobs::State::Submitted> Jobs::State::submit(JobSpec spec, bool may_wait) {
  if (spec.payload && spec.payload.weight() > settings.payload_bytes) {
    return Error("too-large", "the payload has " + std::to_string(spec.payload.weight()) + " bytes, at most " + std::to_string(settings.payload_bytes) + " are taken",
                 ErrorClass::kConfig);
  }
  const auto record = std::allocate_shared<Record>(PoolAllocator<Record>());
  Record& r = *record;
  if (auto missing = find_function(r, spec.type, spec.lane)) return *std::move(missing);
  r.durability = r.book->durability;
  const bool durable = r.durability != Durability::kMemory;
  if (durable && !journal) return Error("no-store", "lane \"" + spec.lane + "\" is durable, and this host has no store", ErrorClass::kConfig);
  r.id = last_id.fetch_add(1, std::memory_order_relaxed) + 1;
  r.submitted_ms = wall_ms();
  r.payload = std::move(spec.payload);
  r.key = spec.key;
  r.priority = spec.priority;
  r.due_ns = spec.due_ns;
  r.not_before_ns = spec.not_before_ns;
  if (spec.not_before_ns != 0) {
    if (const uint64_t now = now_ns(); spec.not_before_ns > now) r.not_before_ms = r.submitted_ms + (spec.not_before_ns - now + kNsPerMs - 1) / kNsPerMs;
  }
  if (!spec.idempotency_key.empty()) r.make_rare().idempotency_key = std::move(spec.idempotency_key);
  if (!spec.after.empty()) r.make_rare().after = std::move(spec.after);
  if (spec.trace) r.make_rare().trace = std::move(spec.trace);
  if (durable && r.id + kReservedIds / 2 > reserved_id) reserve_ids(r.id);
  if (durable && accepting >= kMostAccepting) {
    return Error("busy", std::to_string(kMostAccepting) + " jobs are being written, which is all at a time: try again later", ErrorClass::kRetryable);
  }
  if (const auto known = claim_key(record)) return Submitted{known, false};
  for (size_t i = 0; r.rare && i < r.rare->after.size(); ++i) {
    const JobId other = r.rare->after[i];
    auto& needs = r.rare->needs;
    needs.push_back(find(other));
    if (!needs.back()) return refuse(r, Error("no-job", "it is to run after job " + std::to_string(other) + ", which is not known", ErrorClass::kConfig));
    if (durable && needs.back()->durability == Durability::kMemory) {
      return refuse(r, Error("not-durable", "it is to run after job " + std::to_string(other) + ", which would not outlive the host", ErrorClass::kConfig));
    }
  }
  if (!one_more()) return refuse(r, Error("closed", "the host takes no more jobs: it is shutting down", ErrorClass::kRetryable));
  if (auto admitted = admit(r, may_wait); !admitted) {
    one_less();
    return refuse(r, std::move(admitted).error());
  }
  // Nobody else knows of it yet but by its key.
  const bool begins_at_once = !durable && !r.rare;
  if (begins_at_once) {
    r.acceptance = Record::Acceptance::kAccepted;
    r.now = JobState::kWaiting;
    r.due_at_ns = r.not_before_ns;
  }
  {
    Shard& shard = shard_of(r.id);
    std::lock_guard lock(shard.mutex);
    shard.jobs.insert(r.id, record);
  }
  r.book->count(JobCount::kSubmitted);
  tell(r, "queue.job.submitted");
  if (begins_at_once) {
    post(r, r.not_before_ns);
  } else {
    std::unique_lock lock(r.mutex);
    if (!durable) {
      settle(r, lock);
    } else {
      accepting.fetch_add(1, std::memory_order_relaxed);
      save(r, lock);
      if (r.durability == Durability::kDurable) return Submitted{record};  // saved() lets it go on
    }
    enter(r);
  }
  preempt_for(r);
  return Submitted{record};
}

// The job that has this idempotency key already; null: now this one has it, or it has none.
Jobs::State::RecordPtr Jobs::State::claim_key(const RecordPtr& record) {
  const std::string& key = record->idempotency_key();
  if (key.empty()) return nullptr;
  Shard& shard = shard_of(key);
  std::lock_guard lock(shard.mutex);
  const auto [known, fresh] = shard.keys.emplace(key, record);
  return fresh ? nullptr : known->second;
}

// Who submitted the same key meanwhile hears the same.
Error Jobs::State::refuse(Record& r, Error why) {
  forget_key(r.idempotency_key(), r.id);
  std::unique_lock lock(r.mutex);
  settle(r, lock, why);
  return why;
}

// [lock held on entry, not after]
void Jobs::State::settle(Record& r, std::unique_lock<std::mutex>& lock, std::optional<Error> refusal) {
  r.acceptance = refusal ? Record::Acceptance::kRefused : Record::Acceptance::kAccepted;
  if (refusal) r.make_rare().refusal = std::make_unique<const Error>(*std::move(refusal));
  Record::Rare* const rare = r.rare.get();
  const auto told = rare ? std::exchange(rare->told_accepted, {}) : std::vector<std::function<void()>>();
  lock.unlock();
  Record::notify(rare);
  for (const auto& tell_it : told) tell_it();
}

// Lets the job go to its lane, when those it is to run after are done.
void Jobs::State::enter(Record& r) {
  std::unique_lock lock(r.mutex);
  if (r.rare && !r.rare->needs.empty()) {
    // One more than it waits for, until all have been asked: so it does not begin meanwhile.
    std::vector<RecordPtr> needs;
    needs.swap(r.rare->needs);
    r.rare->missing = needs.size() + 1;
    lock.unlock();
    const RecordPtr record = r.shared_from_this();
    for (const RecordPtr& other : needs) {
      bool done = false, failed = false;
      {
        std::lock_guard its(other->mutex);
        done = other->now == JobState::kDone;
        failed = !done && is_over(other->now);
        if (!done && !failed) other->make_rare().dependents.push_back(record);
      }
      if (done || failed) after_end(*other, done, {record});
    }
    lock.lock();
    --r.rare->missing;
  }
  if (r.now != JobState::kBlocked) return;
  if (r.is_kept() && closed) return leave(r, lock);
  if (r.rare && r.rare->missing > 0) return;
  r.now = JobState::kWaiting;
  enqueue(r, lock, r.not_before_ns);
}

// Counts the job as waiting, as the lane's depth allows.
Result<void> Jobs::State::admit(Record& r, bool may_wait) {
  JobBook& b = *r.book;
  const LaneFull when_full = lanes.when_full(b.lane);
  for (;;) {
    const uint64_t depth = lanes.depth(b.lane);
    uint64_t went = b.in.seen_went, came = b.in.came;
    while (came - went < depth || came - (went = b.out.went) < depth) {
      if (!b.in.came.compare_exchange_weak(came, came + 1)) {
        went = b.in.seen_went;
        came = b.in.came;
        continue;
      }
      r.counted = true;
      if (came + 1 - went >= b.calm_below) {
        b.in.seen_went = went = b.out.went;
        if (came + 1 - went >= b.calm_below) watch_depth(b);
      }
      return {};
    }
    if (when_full == LaneFull::kBlock && may_wait) {
      std::unique_lock lock(b.mutex);
      ++b.blocked;
      b.room.wait(lock, [&] { return b.waiting() < lanes.depth(b.lane) || closed; });
      --b.blocked;
      if (closed) return Error("closed", "the host takes no more jobs: it is shutting down", ErrorClass::kRetryable);
      continue;
    }
    Job* const oldest = when_full == LaneFull::kShedOldest ? lanes.take_oldest(b.lane) : nullptr;
    if (!oldest) {
      b.count(JobCount::kRejected);
      return Error("lane-full", "lane \"" + b.name + "\" has " + std::to_string(came - went) + " jobs waiting, which is all it takes: try again later",
                   ErrorClass::kRetryable);
    }
    Record& shed = *static_cast<Record*>(oldest);
    const RecordPtr keep = shed.shared_from_this();
    std::unique_lock mine(shed.mutex);
    b.count(JobCount::kShed);
    finish(shed, mine, JobState::kDead, Error("shed", "lane \"" + b.name + "\" was full, and this was the job that waited longest"), {});
  }
}

// [r.mutex held]
void Jobs::State::waits_no_more(Record& r, bool begins) {
  if (!std::exchange(r.counted, false)) return;
  JobBook& b = *r.book;
  const uint64_t went = b.out.went.fetch_add(1) + 1;
  // Either who is about to wait for room sees that there is some, or this one sees that somebody waits.
  if (b.blocked > 0) {
    { std::lock_guard lock(b.mutex); }
    b.room.notify_one();
  }
  if (const uint64_t from = b.calm_from; from > 0 && b.in.came - went < from) watch_depth(b);
  if (!begins) return;
  const uint64_t since_ns = r.due_at_ns != 0 ? r.due_at_ns : r.submitted_ns;
  b.out.waited.record_shared(r.started_ns > since_ns ? r.started_ns - since_ns : 0);
}

// [lock held on entry, not after] Its state says that it waits. The worker that takes it wants the mutex at once: so it is let go before. Who cancels it in between sees that no
// lane has it, and leaves word for begin().
void Jobs::State::enqueue(Record& r, std::unique_lock<std::mutex>& lock, uint64_t not_before_ns) {
  if (!std::exchange(r.counted, true)) {
    JobBook& b = *r.book;
    ++b.in.came;
    if (b.waiting() >= b.calm_below) watch_depth(b);
  }
  r.due_at_ns = not_before_ns;
  lock.unlock();
  post(r, not_before_ns);
}

// [its state says that it waits, and nobody holds the mutex] Not before that time; 0: at once. It may be over when this returns.
void Jobs::State::post(Record& r, uint64_t not_before_ns) {
  if (not_before_ns > 0 && not_before_ns > now_ns()) lanes.post_at(not_before_ns, r.book->lane, &r);
  else lanes.post(r.book->lane, &r);
}

// A job waits and no worker is free: asks the running job of the lowest preemptible lane to go back to its queue.
void Jobs::State::preempt_for(const Record& r) {
  if (preemptible_count == 0 || lanes.has_free_worker()) return;
  const uint32_t priority = lanes.priority(r.book->lane);
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
  if (std::exchange(r.held, false)) lanes.release(r.book->lane);
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
  if (r.now == JobState::kRunning && writes >= kManyWrites && !std::exchange(r.held, true)) lanes.hold(r.book->lane);
  r.now = JobState::kEnding;
  save(r, lock);
}

// [r.mutex held] Tells those who asked when it is over how it stands now; to be called without the mutex. Empty: nobody did.
std::function<void()> Jobs::State::take_told_over(Record& r) {
  if (!r.rare || r.rare->told_over.empty()) return nullptr;
  return [told = std::exchange(r.rare->told_over, {}), view = view_locked(r)] {
    for (const auto& tell_it : told) tell_it(view);
  };
}

// [lock held on entry, not after]
void Jobs::State::publish(Record& r, std::unique_lock<std::mutex>& lock) {
  let_go(r);
  r.now = r.ends_as;
  r.ended_ms = wall_ms();
  const bool done = r.now == JobState::kDone, is_dead = r.now == JobState::kDead;
  if (r.book) r.book->count(done ? JobCount::kDone : is_dead ? JobCount::kDead : JobCount::kCancelled);
  if (events.wanted()) tell(r, done ? "queue.job.completed" : is_dead ? "queue.job.dead_lettered" : "queue.job.cancelled", r.error ? r.error->text() : std::string());
  watch_end(r);
  keep_over(r, is_dead);  // before anybody sees that it is over
  Record::Rare* const rare = r.rare.get();
  if (!rare) {
    lock.unlock();
    return one_less();
  }
  const std::function<void()> tell_over = take_told_over(r);
  std::vector<RecordPtr> dependents = std::exchange(rare->dependents, {});
  lock.unlock();
  Record::notify(rare);
  if (tell_over) tell_over();
  after_end(r, done, std::move(dependents));
  one_less();
}

// [lock held on entry, not after] The process ends, and the journal has the job for the next one.
void Jobs::State::leave(Record& r, std::unique_lock<std::mutex>& lock) {
  waits_no_more(r);
  clear_alarm(r);
  let_go(r);
  if (std::exchange(r.left, true)) return lock.unlock();
  const std::function<void()> tell_over = take_told_over(r);
  Record::Rare* const rare = r.rare.get();
  lock.unlock();
  Record::notify(rare);
  if (tell_over) tell_over();
  one_less();
}

// False: nothing is taken on any more.
bool Jobs::State::one_more() {
  ++taken_on;
  if (!closed) return true;
  one_less();
  return false;
}

void Jobs::State::one_less() {
  ++let_off;
  if (!closed || has_active()) return;
  { std::lock_guard lock(mutex); }  // whoever waits has looked, or will see
  fewer.notify_all();
}

// [r.mutex held] A dead job stays until it is discarded or there are too many; of the others the last ones are remembered.
void Jobs::State::keep_over(const Record& r, bool is_dead) {
  if (is_dead) {
    JobId gone = 0;
    {
      std::lock_guard lock(mutex);
      dead.push_back(r.id);
      if (dead.size() > settings.dead) {
        gone = dead.front();
        dead.pop_front();
        ++dead_lost;
      }
    }
    if (gone != 0) forget(gone);
    return;
  }
  RecordPtr gone;
  Shard& shard = shard_of(r.id);
  {
    std::lock_guard lock(shard.mutex);
    shard.over.push_back({r.id, &r});
    if (shard.over.size() > std::max<size_t>(1, settings.remembered / kShards)) {
      gone = take_record(shard, shard.over.front().id);
      shard.over.pop_front();
      fetch(shard.over.front().record);
    }
  }
  if (gone) forget_key(gone->idempotency_key(), gone->id);
}

// It will be wanted soon, and was last touched many jobs ago.
void Jobs::State::fetch(const Record* record) {
  constexpr size_t kLine = 64;
  for (size_t at = 0; at < sizeof(Record); at += kLine) __builtin_prefetch(reinterpret_cast<const char*>(record) + at, 1);
}

// [shard.mutex held] Out of the table; null: it is not there.
Jobs::State::RecordPtr Jobs::State::take_record(Shard& shard, JobId id) {
  RecordPtr record = shard.jobs.take(id);
  if (record && record->durability != Durability::kMemory && record->outlives_its_end()) shard.forgotten.push_back(id);
  return record;
}

void Jobs::State::forget(JobId id) {
  RecordPtr record;
  {
    Shard& shard = shard_of(id);
    std::lock_guard lock(shard.mutex);
    record = take_record(shard, id);
  }
  if (record) forget_key(record->idempotency_key(), id);
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
    } else if (--next->rare->missing == 0) {
      next->now = JobState::kWaiting;
      enqueue(*next, lock, next->not_before_ns);
    }
  }
}

bool Jobs::State::cancel(Record& r, Stop why) {
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
  return (filter.lane.empty() || filter.lane == *r.lane_name) && (filter.type.empty() || filter.type == *r.type) && (!filter.state || *filter.state == r.now);
}

JobView Jobs::State::view_locked(const Record& r) {
  JobView view = {.id = r.id, .type = *r.type, .lane = *r.lane_name, .state = r.now, .durable = r.durability != Durability::kMemory,
                  .priority = r.priority, .idempotency_key = r.idempotency_key(), .payload = r.payload, .submitted_ms = r.submitted_ms,
                  .not_before_ms = r.not_before_ms, .started_ms = r.started_ms, .ended_ms = r.ended_ms, .attempt = r.attempt};
  if (r.rare) {
    view.progress = r.rare->progress;
    view.failed_attempts = r.rare->failed;
  }
  if (r.now == JobState::kEnding) return view;
  view.result = r.result;
  if (r.error) view.error = *r.error;
  return view;
}

}  // namespace heddle
