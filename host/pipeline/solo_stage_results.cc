// The way of a dispatch from its answers out of the stage: another attempt, or delivery in order.
#include <algorithm>

#include "clock.h"
#include "lanes/job_spec.h"
#include "pipeline/solo_stage.h"

namespace heddle {
namespace {

// Items that leave at once, and what results among them weigh: then it is seen whether there is room for more.
constexpr size_t kMostLeaving = 256, kMostLeavingBytes = size_t{1} << 20;

RetryPolicy policy_of(const RetrySettings& retry) {
  using Jitter = RetryPolicy::Jitter;
  return {.max_attempts = retry.max_attempts,
          .first_ns = retry.initial_backoff_ms * kNsPerMs,
          .factor = retry.multiplier,
          .cap_ns = retry.max_backoff_ms * kNsPerMs,
          .jitter = retry.jitter == "none" ? Jitter::kNone : retry.jitter == "equal" ? Jitter::kEqual : Jitter::kFull};
}

// As far as the node is concerned: a wrong item is not its fault.
CallOutcome outcome_of(const Error& error) {
  switch (error.error_class) {
    case ErrorClass::kRetryable: return CallOutcome::kBad;
    case ErrorClass::kCancelled: return CallOutcome::kNothing;
    default: return CallOutcome::kGood;
  }
}

}  // namespace

void SoloStage::fail_calls(Dispatch& d, const std::vector<uint32_t>& calls, const Error& error) {
  for (const uint32_t index : calls) d.batch->failures().push_back({index, error});
}

// Whether an attempt may begin. Only the input counts: what comes of finish() is no answer to anybody.
bool SoloStage::admit(Dispatch& d) {
  if (!node_.pool || d.is_finish) return true;
  const uint64_t now = now_ns();
  if (d.attempts.empty()) node_.pool->called(now);
  d.pick = node_.pool->pick(0, {}, now);
  return d.pick.has_value();
}

void SoloStage::tell_pool(Dispatch& d, CallOutcome outcome, std::string why) {
  if (!d.pick) return;
  const uint64_t now = now_ns();
  node_.pool->ended(*std::exchange(d.pick, std::nullopt), outcome, now - d.started_ns, std::move(why), now);
}

// All calls are answered.
void SoloStage::conclude(Dispatch& d) {
  set_answering(d, false);
  d.due_ns = 0;
  d.batch->fail_breaches();
  if (node_.is_source) forgive_cancelled(d.batch->failures());
  if (!d.batch->failures().empty()) {
    const Error& error = d.batch->failures().front().error;
    const bool was_tried = !node_.pool || d.pick || d.is_finish;  // else the breaker is open: waiting for it would hold up the items behind
    d.attempts.push_back({static_cast<uint32_t>(d.attempts.size() + 1), error.text(), now_ns() - d.started_ns});
    tell_pool(d, outcome_of(error), error.text());
    if (was_tried && retry(d)) return;
  }
  tell_pool(d, CallOutcome::kGood);
  d.state = State::kDone;
}

// Starts the wait for another attempt, if there may be one.
bool SoloStage::retry(Dispatch& d) {
  NodeBooks& books = core_.nodes[nodes_[0].index];
  CallBatch& batch = *d.batch;
  if (!retries() || d.delivered || d.is_finish || batch.count() != 1 || core_.discarding()) return false;
  if (batch.failures().front().error.error_class != ErrorClass::kRetryable || d.attempts.size() >= node_.retry.max_attempts) return false;
  const uint32_t next = static_cast<uint32_t>(d.attempts.size()) + 1;
  const uint64_t now = now_ns(), at = now + policy_of(node_.retry).wait_ns(next);
  RawItem item = batch.item(0);
  if (item.deadline_ns != 0 && at >= item.deadline_ns) return false;
  if (const uint64_t end = last_moment(d); end != 0 && at >= end) return false;
  if (!node_.pool->may_retry(now)) return false;
  EdgeBooks::add(books.retried, 1);
  item.value = batch.original(0).release();
  item.attempt = next;
  d.items = {item};
  for (uint32_t port = 0; port < batch.outlets(); ++port) {
    for (RawItem& emitted : batch.outlet(port)) emitted.drop();
    batch.outlet(port).clear();
  }
  if (batch.is_hung()) {
    hung_.push_back(std::move(d.batch));
    d.batch = make_batch(d);
  } else {
    batch.failures().clear();
    batch.close_inputs();
  }
  d.state = State::kBackoff;
  core_.begin();
  d.backoff_timer = core_.lanes.at(at, core_.lane(plan_.lane), &d.backoff);
  return true;
}

void SoloStage::set_answering(Dispatch& d, bool answering) {
  if (d.answering == answering) return;
  d.answering = answering;
  if (answering) core_.begin();
  else core_.done();
}

// Delivers what may leave now, in order. One thread at a time; the others' results are delivered by it.
void SoloStage::commit(Lock& lock) {
  if (committing_) return;
  committing_ = true;
  bool moved = false;
  for (;;) {
    std::vector<InputMerge::Unmatched> unmatched = merge_.take_unmatched();
    lock.unlock();
    const bool room = unmatched.empty() && flush();
    for (auto& [item, error] : unmatched) {
      RawItem envelope = item;
      fail_item(0, envelope, Value::adopt(item.value), std::move(error));
    }
    lock.lock();
    if (!unmatched.empty()) continue;
    if (!room || core_.discarding() || !take_leaving()) break;
    moved = moved || leaving_.done;
    deliver_leaving(lock);
  }
  committing_ = false;
  if (moved && strands_.size() > 1) wake();  // the window has moved
}

bool SoloStage::may_leave(const Dispatch& d) const {
  if (d.state == State::kDone) return true;
  // Before its end, a dispatch gives only what it must to go on, where a retry or the order could still need it.
  const bool hold = retries() || (d.batch->count() > 1 && plan_.order == OrderMode::kStrict);
  if (d.state != State::kParked || (hold && !d.batch->has_awaiting())) return false;
  for (uint32_t port = 0; port < d.batch->outlets(); ++port) {
    if (!d.batch->outlet(port).empty()) return true;
  }
  return false;
}

// What may leave, out of all dispatches together: who takes it is woken once for it. False: nothing may.
bool SoloStage::take_leaving() {
  const bool strict = plan_.order == OrderMode::kStrict;
  bool any = false;
  size_t items = 0, bytes = 0;
  for (auto at = dispatches_.begin(); at != dispatches_.end() && items < kMostLeaving && bytes < kMostLeavingBytes;) {
    Dispatch& d = **at++;
    const bool leaves = may_leave(d), done = d.state == State::kDone;
    for (uint32_t port = 0; leaves && gives_results() && port < d.batch->outlets(); ++port)
      for (const RawItem& item : d.batch->outlet(port)) bytes += weight_of(item);
    if (leaves) items += take_out(d);
    any = any || leaves;
    if (strict && !(leaves && done)) break;
  }
  return any;
}

// Puts what leaves a dispatch with the rest that leaves, and forgets the dispatch if it is done. How many items that are.
size_t SoloStage::take_out(Dispatch& d) {
  CallBatch& batch = *d.batch;
  const bool done = d.state == State::kDone;
  size_t items = 1;
  for (uint32_t port = 0; port < batch.outlets(); ++port) {
    ItemList& outlet = batch.outlet(port);
    if (asynchronous_ && batch.count() > 1 && plan_.order == OrderMode::kStrict) {
      std::stable_sort(outlet.begin(), outlet.end(), [](const RawItem& a, const RawItem& b) { return a.call < b.call; });
    }
    items += outlet.size();
    if (leaving_.outlets[port].empty()) {
      leaving_.outlets[port].swap(outlet);
    } else {
      leaving_.outlets[port].append(outlet);
      outlet.clear();
    }
  }
  d.delivered = true;
  if (!done) {
    leaving_.parked.push_back(&d);
    return items;
  }
  leaving_.done = true;
  book(d, batch.failures());
  for (CallFailure& failure : batch.failures()) {
    leaving_.lost.push_back({batch.item(failure.index), batch.original(failure.index), std::move(failure.error), d.attempts, batch.emitted(failure.index) > 0});
  }
  batch.failures().clear();
  for (uint32_t i = 0; i < batch.count(); ++i) leaving_.last = std::max(leaving_.last, batch.item(i).sequence);
  remove(d);
  return items;
}

void SoloStage::deliver_leaving(Lock& lock) {
  lock.unlock();
  for (uint32_t port = 0; port < leaving_.outlets.size(); ++port) deliver(0, port, leaving_.outlets[port]);
  for (Lost& l : leaving_.lost) fail_item(0, l.envelope, std::move(l.original), std::move(l.error), std::move(l.attempts), l.is_partial);
  if (leaving_.done && plan_.order == OrderMode::kStrict) advance_outputs(leaving_.last);
  lock.lock();
  for (Dispatch* d : leaving_.parked) {
    d->batch->drained();
    if (d->state == State::kParked && d->batch->has_awaiting()) ready_.push_back(d);
  }
  leaving_.lost.clear();
  leaving_.parked.clear();
  leaving_.done = false;
  leaving_.last = 0;
}

// The fate of each call, in the books.
void SoloStage::book(Dispatch& d, const std::vector<CallFailure>& failures) {
  CallBatch& batch = *d.batch;
  NodeBooks& books = core_.nodes[nodes_[0].index];
  std::vector<bool> failed(batch.count());
  for (const CallFailure& failure : failures) failed[failure.index] = true;
  if (core_.trace.recorder()) core_.trace.note_calls(nodes_[0].index, d.first_ns, now_ns());
  EdgeBooks::add(books.calls, batch.count());
  EdgeBooks::add(books.completed, batch.count() - failures.size());
  for (uint32_t i = 0; i < batch.count(); ++i) {
    const bool out = node_.outputs.empty() || batch.emitted(i) > 0;
    if (!failed[i] && !out) EdgeBooks::add(books.filtered, 1);
    if (!batch.has_input() || batch.item(i).edge == InputMerge::kNoEdge) continue;
    EdgeBooks& edge = core_.edges[batch.item(i).edge];
    EdgeBooks::add(failed[i] ? edge.failed : out ? edge.out : edge.filtered, 1);
  }
}

void SoloStage::remove(Dispatch& d) {
  tell_pool(d, CallOutcome::kNothing);
  if (d.strand->held == &d) d.strand->held = nullptr;
  bytes_ -= std::exchange(d.bytes, 0);
  if (d.batch->is_hung()) {
    hung_.push_back(std::move(d.batch));
    d.batch = make_batch(d);
  } else {
    d.batch->close_inputs();
  }
  d.handle.reset();
  spare_.splice(spare_.end(), dispatches_, d.at);
}

}  // namespace heddle
