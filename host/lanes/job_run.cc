// One attempt of a job: its beginning, its time, and its answer.
#include "lanes/job_state.h"

namespace heddle {

void Jobs::State::start(Job* job) noexcept {
  Record& r = *static_cast<Record*>(job);
  const RecordPtr keep = r.shared_from_this();
  keep->state->begin(r);
}

void Jobs::State::begin(Record& r) {
  const uint64_t timeout_ns = book(r.in_lane).timeout_ns;
  std::unique_lock lock(r.mutex);
  r.started_ns = now_ns();
  waits_no_more(r, true);
  if (r.now == JobState::kEnding) return save(r, lock);  // that failed before
  if (closed && r.is_kept()) return leave(r, lock);
  if (r.stop != Stop::kNo) return finish(r, lock, JobState::kCancelled, Error("cancelled", "cancelled before it began", ErrorClass::kCancelled), {});
  if (r.now != JobState::kWaiting && r.now != JobState::kBackingOff) return;
  r.now = JobState::kRunning;
  const uint64_t fence = ++r.fence;
  JobRun run(r.shared_from_this(), ++r.attempt, fence);
  r.started_ms = wall_ms();
  r.worker = Lanes::current_worker();
  if (timeout_ns > 0) set_alarm(r, timeout_ns);
  tell(r, "started");
  lock.unlock();
  const std::pair<uint32_t, RecordPtr> mine(lanes.priority(r.in_lane), r.shared_from_this());
  const bool may_go_back = lanes.is_preemptible(r.in_lane);
  if (may_go_back) {
    std::lock_guard all(mutex);
    preemptible.insert(mine);
    preemptible_count = preemptible.size();
  }
  try {
    (*r.function)(run);
  } catch (const std::exception& thrown) {
    run.complete(Error("thrown", std::string("the job threw: ") + thrown.what()));
  }
  if (may_go_back) {
    std::lock_guard all(mutex);
    preemptible.erase(mine);
    preemptible_count = preemptible.size();
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
  if (!r.alarm) r.alarm = std::make_unique<Record::Alarm>();
  Record::Alarm& alarm = *r.alarm;
  alarm.owner = &r;
  alarm.record = r.shared_from_this();
  alarm.fence = r.fence;
  alarm.run = &State::ring;
  alarm.timer = lanes.alarm(now_ns() + after_ns, &alarm);
}

// [r.mutex held]
void Jobs::State::clear_alarm(Record& r) {
  if (!r.alarm || r.alarm->timer == 0) return;
  if (lanes.cancel(std::exchange(r.alarm->timer, 0))) r.alarm->record.reset();
  else ++r.alarm->stale;
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
  const uint64_t grace_ns = policy(r.in_lane).grace_ns;
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
  if (worker != 0) lanes.abandon(worker);  // first: who waits for the job's end counts on it
  answer(r, fence, Error("given-up", "the job did not end within its grace time after it was told to", ErrorClass::kRetryable));
}

void Jobs::State::answer(Record& r, uint64_t fence, Result<Value> result) {
  std::unique_lock lock(r.mutex);
  if (r.now != JobState::kRunning || r.fence != fence) return;
  clear_alarm(r);
  const Stop stop = std::exchange(r.stop, Stop::kNo);
  r.to_tell.clear();
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
  r.failed.push_back({r.attempt, error.text(), r.took_ns});
  if (stop == Stop::kCancelled || stop == Stop::kShutdown) return finish(r, lock, JobState::kCancelled, std::move(error), {});
  count(r.in_lane, kFailed);
  tell(r, "failed", error.text());
  const RetryPolicy retry = policy(r.in_lane).retry;
  const bool again = stop == Stop::kTimedOut || (error.error_class != ErrorClass::kConfig && error.error_class != ErrorClass::kCancelled);
  if (!again || r.attempt >= retry.max_attempts || closed) return finish(r, lock, JobState::kDead, std::move(error), {});
  const uint64_t wait_ns = retry.wait_ns(r.attempt + 1);
  r.now = JobState::kBackingOff;
  let_go(r);
  r.error = std::make_unique<const Error>(std::move(error));
  r.not_before_ms = wall_ms() + wait_ns / kNsPerMs;
  count(r.in_lane, kRetried);
  tell(r, "retry");
  if (r.is_kept()) {
    save(r, lock);
    lock.lock();
  }
  enqueue(r, lock, now_ns() + wait_ns);
}

JobId JobRun::id() const { return record_->id; }
uint64_t JobRun::fence() const { return record_->state->boot << 32 | fence_; }
const std::string& JobRun::idempotency_key() const { return record_->spec.idempotency_key; }
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
  std::unique_lock lock(record_->mutex);
  if (record_->fence != fence_ || record_->now != JobState::kRunning) return;
  const bool has_checkpoint = static_cast<bool>(progress.checkpoint);
  if (!has_checkpoint) progress.checkpoint = record_->progress.checkpoint;
  record_->progress = std::move(progress);
  record_->state->tell(*record_, "progress", record_->progress.message, record_->progress.percent);
  if (has_checkpoint && record_->is_kept()) record_->state->save(*record_, lock);
}

void JobRun::complete(Result<Value> result) const { record_->state->answer(*record_, fence_, std::move(result)); }

}  // namespace heddle
