// One attempt of a job: its beginning, its time, and its answer.
#include "lanes/job_state.h"

namespace heddle {

void Jobs::State::start(Job* job) noexcept {
  const RecordPtr record = static_cast<Record*>(job)->shared_from_this();
  const auto state = record->state->shared_from_this();
  state->begin(record);
}

void Jobs::State::begin(const RecordPtr& record) {
  Record& r = *record;
  const uint64_t timeout_ns = r.book->timeout_ns;
  std::unique_lock lock(r.mutex);
  r.started_ns = now_ns();
  waits_no_more(r, true);
  if (r.now == JobState::kEnding) return save(r, lock);  // that failed before
  if (closed && r.is_kept()) return leave(r, lock);
  if (r.stop != Stop::kNo) return finish(r, lock, JobState::kCancelled, Error("cancelled", "cancelled before it began", ErrorClass::kCancelled), {});
  if (r.now != JobState::kWaiting && r.now != JobState::kBackingOff) return;
  r.now = JobState::kRunning;
  const uint64_t fence = ++r.fence;
  JobRun run(record, shared_from_this(), ++r.attempt, fence);
  r.started_ms = wall_ms();
  r.worker = Lanes::current_worker();
  if (timeout_ns > 0) set_alarm(r, timeout_ns);
  tell(r, "queue.job.started");
  lock.unlock();
  const bool may_go_back = lanes.is_preemptible(r.book->lane);
  if (may_go_back) {
    std::lock_guard all(mutex);
    preemptible.emplace(lanes.priority(r.book->lane), record);
    preemptible_count = preemptible.size();
  }
  try {
    (*r.function)(std::move(run));
  } catch (const std::exception& thrown) {
    answer(r, fence, Error("thrown", std::string("the job threw: ") + thrown.what()));
  }
  if (may_go_back) {
    std::lock_guard all(mutex);
    std::erase_if(preemptible, [&](const auto& one) { return one.second == record; });
    preemptible_count = preemptible.size();
  }
  lock.lock();
  if (r.fence != fence || r.now != JobState::kRunning) return;
  r.worker = 0;
  r.held = true;
  lanes.hold(r.book->lane);
}

// [r.mutex held]
void Jobs::State::set_alarm(Record& r, uint64_t after_ns) {
  clear_alarm(r);
  Record::Alarm& alarm = r.make_rare().alarm;
  alarm.owner = &r;
  alarm.record = r.shared_from_this();
  alarm.state = shared_from_this();
  alarm.fence = r.fence;
  alarm.run = &State::ring;
  alarm.timer = lanes.alarm(now_ns() + after_ns, &alarm);
}

// [r.mutex held]
void Jobs::State::clear_alarm(Record& r) {
  if (!r.rare || r.rare->alarm.timer == 0) return;
  Record::Alarm& alarm = r.rare->alarm;
  if (lanes.cancel(std::exchange(alarm.timer, 0))) {
    alarm.record.reset();
    alarm.state.reset();
  } else {
    ++alarm.stale;
  }
}

// On the timers' thread.
void Jobs::State::ring(Job* job) noexcept {
  auto& alarm = *static_cast<Record::Alarm*>(job);
  Record& r = *alarm.owner;
  RecordPtr record;
  std::shared_ptr<State> state;
  uint64_t fence;
  bool told;
  {
    std::lock_guard lock(r.mutex);
    if (alarm.stale > 0) {
      --alarm.stale;
      if (alarm.timer != 0 || alarm.stale > 0) return;
      record = std::move(alarm.record);  // dropped after the mutex
      state = std::move(alarm.state);
      return;
    }
    alarm.timer = 0;
    record = std::move(alarm.record);
    state = std::move(alarm.state);
    fence = alarm.fence;
    if (r.now != JobState::kRunning || r.fence != fence) return;
    told = r.stop != Stop::kNo;
    if (!told) state->tell(r, "queue.job.timeout");
  }
  if (told) return state->give_up(r, fence);
  r.book->count(JobCount::kTimedOut);
  state->stop(r, fence, Stop::kTimedOut);
}

void Jobs::State::stop(Record& r, uint64_t fence, Stop why) {
  const uint64_t grace_ns = policy(*r.book).grace_ns;
  std::vector<std::function<void(Stop)>> to_tell;
  {
    std::lock_guard lock(r.mutex);
    if (r.now != JobState::kRunning || r.fence != fence || r.stop != Stop::kNo) return;
    r.stop = why;
    if (r.rare) to_tell.swap(r.rare->to_tell);
    set_alarm(r, grace_ns);
    if (why == Stop::kPreempted) tell(r, "queue.job.preempted");
  }
  if (why == Stop::kPreempted) r.book->count(JobCount::kPreempted);
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
  r.book->count(JobCount::kGivenUp);
  if (worker != 0) lanes.abandon(worker);  // first: who waits for the job's end counts on it
  answer(r, fence, Error("given-up", "the job did not end within its grace time after it was told to", ErrorClass::kRetryable));
}

void Jobs::State::answer(Record& r, uint64_t fence, Result<Value> result) {
  std::unique_lock lock(r.mutex);
  if (r.now != JobState::kRunning || r.fence != fence) return;
  clear_alarm(r);
  const Stop stop = std::exchange(r.stop, Stop::kNo);
  if (r.rare) r.rare->to_tell.clear();
  r.worker = 0;
  r.took_ns = now_ns() - r.started_ns;
  if (result) return finish(r, lock, JobState::kDone, std::nullopt, std::move(*result));
  Error error = std::move(result).error();
  if (stop == Stop::kPreempted) {  // as if this attempt had not been
    --r.attempt;
    r.now = JobState::kWaiting;
    let_go(r);
    return enqueue(r, lock, 0);
  }
  if (stop == Stop::kShutdown && r.is_kept()) {
    --r.attempt;
    r.now = JobState::kWaiting;
    return leave(r, lock);
  }
  r.make_rare().failed.push_back({r.attempt, error.text(), r.took_ns});
  if (stop == Stop::kCancelled || stop == Stop::kShutdown) return finish(r, lock, JobState::kCancelled, std::move(error), {});
  r.book->count(JobCount::kFailed);
  tell(r, "queue.job.failed", error.text());
  const RetryPolicy retry = policy(*r.book).retry;
  const bool again = stop == Stop::kTimedOut || (error.error_class != ErrorClass::kConfig && error.error_class != ErrorClass::kCancelled);
  if (!again || r.attempt >= retry.max_attempts || closed) return finish(r, lock, JobState::kDead, std::move(error), {});
  const uint64_t wait_ns = retry.wait_ns(r.attempt + 1);
  r.now = JobState::kBackingOff;
  let_go(r);
  r.error = std::make_unique<const Error>(std::move(error));
  r.not_before_ms = wall_ms() + wait_ns / kNsPerMs;
  r.book->count(JobCount::kRetried);
  tell(r, "queue.job.retry");
  if (r.is_kept()) {
    save(r, lock);
    lock.lock();
  }
  enqueue(r, lock, now_ns() + wait_ns);
}

JobId JobRun::id() const { return record_->id; }
uint64_t JobRun::fence() const { return state_->boot << 32 | fence_; }
std::optional<TraceContext> JobRun::trace() const {
  std::lock_guard lock(record_->mutex);
  return record_->rare ? record_->rare->trace : std::nullopt;
}
const std::string& JobRun::idempotency_key() const { return record_->idempotency_key(); }
const Value& JobRun::payload() const { return record_->payload; }

Value JobRun::checkpoint() const {
  std::lock_guard lock(record_->mutex);
  return record_->rare ? record_->rare->progress.checkpoint : Value();
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
    if (why == Stop::kNo) return record_->make_rare().to_tell.push_back(std::move(told));
  }
  told(why);
}

void JobRun::progress(JobProgress progress) const {
  std::unique_lock lock(record_->mutex);
  if (record_->fence != fence_ || record_->now != JobState::kRunning) return;
  const bool has_checkpoint = static_cast<bool>(progress.checkpoint);
  JobProgress& mine = record_->make_rare().progress;
  if (!has_checkpoint) progress.checkpoint = mine.checkpoint;
  mine = std::move(progress);
  state_->tell(*record_, "queue.job.progress", mine.message, mine.percent);
  if (has_checkpoint && record_->is_kept()) state_->save(*record_, lock);
}

void JobRun::complete(Result<Value> result) const { state_->answer(*record_, fence_, std::move(result)); }

}  // namespace heddle
