// The tasks of an NsnWorker: from the assignment to what is known of their end.
#include <algorithm>
#include <cmath>
#include <utility>

#include "nsn_worker.h"

namespace sidecar_grpc {
namespace {

using heddle::sdk::Value;
using namespace nsn::sidecar;

Value progress_of(const GetTaskStatusResponse& said) {
  const double part = std::isfinite(said.progress()) ? std::clamp(static_cast<double>(said.progress()), 0.0, 1.0) : 0;
  std::vector<Value::Entry> members = {{"percent", Value::integer(std::lround(part * 100))}};
  if (!said.current_stage().empty()) members.push_back({"message", Value::string(said.current_stage())});
  return Value::map(std::span(members));
}

Value result_of(const ExecuteTaskResponse& said) {
  std::vector<Value::Entry> members = {{"status", Value::string("success")}};
  if (!said.output_cid().empty()) members.push_back({"ref", Value::string(said.output_cid())});
  if (!said.result_metadata().empty()) members.push_back({"value", Value::bytes(std::as_bytes(std::span(said.result_metadata())))});
  return Value::map(std::span(members));
}

bool is_open(const std::string& status) { return status == "pending" || status == "queued" || status == "running"; }
bool is_over(const std::string& status) { return status == "completed" || status == "failed" || status == "cancelled"; }

}  // namespace

void NsnWorker::assign(NsnTask task) {
  {
    std::lock_guard lock(mutex_);
    const heddle_id id = task.id;
    const uint64_t now = outside_->now_ns();
    const bool has_credit = credit_ > 0;
    if (has_credit) --credit_;
    Given& given = given_[id];
    given.id = id;
    given.task = task.asked.task_id();
    given.deadline_ns = task.deadline_ns;
    if (stopping_) {
      fail(id, HEDDLE_CANCELLED, "cancelled", "the worker is being disconnected");
    } else if (!has_credit) {
      fail(id, HEDDLE_UNAVAILABLE, "unsent", here_ ? "there was no credit for it" : who() + " is gone: " + last_why_);
    } else if (!task.unfit.empty()) {
      fail(id, HEDDLE_INVALID, "unsent", task.unfit, true);
    } else if (task.deadline_ns != 0 && task.deadline_ns <= now) {
      fail(id, HEDDLE_DEADLINE, "deadline", "its deadline had passed before it was sent");
    } else {
      const uint64_t left = task.deadline_ns != 0 ? task.deadline_ns - now : task.most_ns != 0 ? task.most_ns : options_.task_ns;
      given.due_ns = now + left + kMarginNs;
      task.asked.set_timeout_ms(std::max<uint64_t>(left / 1'000'000, 1));
      given.call = ask("ExecuteTask", std::move(task.asked), left + kMarginNs, id, &NsnWorker::on_executed);
      tick();
    }
  }
  carry_out();
}

void NsnWorker::on_executed(heddle_id id, const CallSaid& said, const ExecuteTaskResponse& answer) {
  const auto found = given_.find(id);
  if (found == given_.end()) return;
  Given& given = found->second;
  given.call = 0;
  if (given.cut_off) {
    if (said.end == CallEnd::kAnswered) release(id);
    return;
  }
  switch (said.end) {
    case CallEnd::kAnswered:
      if (answer.success()) return finish(id, HEDDLE_OK, result_of(answer));
      if (given.cancelled) return fail(id, HEDDLE_CANCELLED, "cancelled", given.reason);
      return fail(id, HEDDLE_INTERNAL, "failed", answer.error_message().empty() ? "the sidecar gave no reason" : answer.error_message());
    case CallEnd::kExists: return attach(given, "it was given to it before");
    case CallEnd::kBroken: return attach(given, "its call broke off"), watch();
    case CallEnd::kLate: return end_late(given);
    case CallEnd::kUnsent: return fail(id, HEDDLE_UNAVAILABLE, "unsent", who() + ": " + said.why), watch();
    case CallEnd::kNotUnderstood: return fail(id, HEDDLE_INTERNAL, "not-understood", who() + ": " + said.why);
    case CallEnd::kCut: return fail(id, HEDDLE_CANCELLED, "cancelled", given.reason);
    default: break;
  }
  if (given.cancelled) return fail(id, HEDDLE_CANCELLED, "cancelled", given.reason);
  const heddle_status status = said.end == CallEnd::kNotFound ? HEDDLE_NOT_FOUND : said.end == CallEnd::kUnimplemented ? HEDDLE_UNSUPPORTED : HEDDLE_INTERNAL;
  fail(id, status, "failed", who() + ": ExecuteTask: " + said.why, said.permanent || said.end != CallEnd::kRefused);
}

void NsnWorker::fail_unheard(const Given& given) {
  fail(given.id, HEDDLE_UNAVAILABLE, "lost", given.why_polled + (", and " + who()) + " has no GetTaskStatus that could tell what became of it");
}

// From here on only polls tell of it.
void NsnWorker::attach(Given& given, const char* why) {
  const uint64_t now = outside_->now_ns();
  const heddle_id id = given.id;
  given.why_polled = why;
  if (!has_status_) return fail_unheard(given);
  given.heard_ns = now;
  later(options_.reattach_ns, &NsnWorker::on_not_attached, id);
  later(given.due_ns > now ? given.due_ns - now : 1, &NsnWorker::on_due, id);
  poll(given);
}

void NsnWorker::poll(Given& given) {
  if (given.polled || !has_status_ || stopping_) return;
  if (polls_ >= kMostPolls) {
    if (given.call == 0 && !std::exchange(given.put_off, true)) put_off_.push_back(given.id);
    return;
  }
  given.polled = true;
  ++polls_;
  GetTaskStatusRequest asked;
  asked.set_task_id(given.task);
  ask("GetTaskStatus", std::move(asked), options_.connect_ns, given.id, &NsnWorker::on_status);
}

// Those that were left out the last time come first.
void NsnWorker::poll_all() {
  auto at = given_.upper_bound(last_polled_);
  for (size_t left = given_.size(); left > 0 && polls_ < kMostPolls; --left, ++at) {
    if (at == given_.end()) at = given_.begin();
    last_polled_ = at->first;
    poll(at->second);
  }
}

void NsnWorker::on_status(heddle_id id, const CallSaid& said, const GetTaskStatusResponse& answer) {
  --polls_;
  for (bool asked = false; !asked && !put_off_.empty(); put_off_.pop_front()) {
    const auto next = given_.find(put_off_.front());
    if (next == given_.end()) continue;
    next->second.put_off = false;
    poll(next->second);
    asked = true;
  }
  if (said.end == CallEnd::kUnimplemented && std::exchange(has_status_, false)) {
    std::vector<heddle_id> unheard;
    for (const auto& [other, given] : given_)
      if (given.call == 0 && !given.cut_off) unheard.push_back(other);
    for (const heddle_id one : unheard) fail_unheard(given_.at(one));
  }
  const auto found = given_.find(id);
  if (found == given_.end()) return;
  Given& given = found->second;
  given.polled = false;
  if (given.cut_off) {
    if (said.end == CallEnd::kNotFound || (said.end == CallEnd::kAnswered && is_over(answer.status()))) release(id);
    return;
  }
  if (said.end == CallEnd::kAnswered && is_open(answer.status())) {
    given.heard_ns = outside_->now_ns();
    deeds_.push_back([id, progress = progress_of(answer)](Outside& o) { o.progress(id, progress); });
    return;
  }
  if (given.call != 0) return;  // its call says more
  if (said.end == CallEnd::kAnswered) return end_as_polled(given, answer);
  if (said.end == CallEnd::kNotFound) return fail(id, HEDDLE_UNAVAILABLE, "lost", given.why_polled + (", and " + who()) + " knows nothing of it now");
  give_up_unheard(given, said.why);
}

void NsnWorker::end_as_polled(const Given& given, const GetTaskStatusResponse& answer) {
  const std::string& status = answer.status();
  const std::string reason = answer.error_message().empty() ? "" : ": " + answer.error_message();
  if (!is_over(status)) return fail(given.id, HEDDLE_INTERNAL, "not-understood", who() + " says that it is \"" + status.substr(0, 100) + "\", which is none of the states of a task");
  // The output was in the answer that did not come, and no other call gives it.
  if (status == "completed") return fail(given.id, HEDDLE_UNAVAILABLE, "lost", who() + " completed it, but the answer with its output did not arrive, and cannot be asked for");
  if (given.cancelled) return fail(given.id, HEDDLE_CANCELLED, "cancelled", given.reason);
  fail(given.id, HEDDLE_INTERNAL, "failed", status == "failed" ? (reason.empty() ? "the sidecar gave no reason" : answer.error_message()) : "the sidecar cancelled it by itself" + reason);
}

void NsnWorker::give_up_unheard(const Given& given, const std::string& why) {
  if (outside_->now_ns() < given.heard_ns + options_.reattach_ns) return;
  fail(given.id, HEDDLE_UNAVAILABLE, "lost", given.why_polled + (", and " + who()) + " does not say what became of it" + (why.empty() ? "" : ": " + why));
}

void NsnWorker::on_not_attached(heddle_id assignment) {
  std::lock_guard lock(mutex_);
  if (const auto found = given_.find(assignment); found != given_.end() && !found->second.cut_off) give_up_unheard(found->second, here_ ? "" : last_why_);
}

void NsnWorker::on_due(heddle_id assignment) {
  std::lock_guard lock(mutex_);
  if (const auto found = given_.find(assignment); found != given_.end() && !found->second.cut_off) end_late(found->second);
}

// It may still be at it: its slot stays taken.
void NsnWorker::end_late(Given& given) {
  ask_to_cancel(given, "its deadline has passed");
  deeds_.push_back([id = given.id, why = why_not("deadline", "retryable", who() + " had not ended it at its deadline")](Outside& o) { o.done(id, HEDDLE_DEADLINE, why); });
  quarantine(given, kQuarantineNs);
}

void NsnWorker::quarantine(Given& given, uint64_t ns) {
  given.cut_off = true;
  later(ns, &NsnWorker::on_quarantine_over, given.id);
}

void NsnWorker::on_quarantine_over(heddle_id assignment) {
  std::lock_guard lock(mutex_);
  release(assignment);
}

void NsnWorker::ask_to_cancel(const Given& given, const std::string& reason) {
  CancelTaskRequest asked;
  asked.set_task_id(given.task);
  asked.set_reason(reason);
  ask("CancelTask", std::move(asked), options_.connect_ns, given.id, &NsnWorker::on_cancel_heard);
}

void NsnWorker::on_cancel_heard(heddle_id id, const CallSaid&, const CancelTaskResponse&) {
  if (const auto found = given_.find(id); found != given_.end() && found->second.call == 0) poll(found->second);
}

bool NsnWorker::cancel(heddle_id assignment, const std::string& reason, uint64_t grace_ns) {
  {
    std::lock_guard lock(mutex_);
    const auto found = given_.find(assignment);
    if (found == given_.end()) return false;
    Given& given = found->second;
    if (!given.cut_off && !std::exchange(given.cancelled, true)) {
      given.reason = reason;
      ask_to_cancel(given, reason);
      later(grace_ns, &NsnWorker::on_grace_over, assignment);
    }
  }
  carry_out();
  return true;
}

// It goes on although it was cancelled: the host waits no longer, and its slot stays taken as long as it may still be at it.
void NsnWorker::on_grace_over(heddle_id assignment) {
  std::lock_guard lock(mutex_);
  const auto found = given_.find(assignment);
  if (found == given_.end() || found->second.cut_off) return;
  Given& given = found->second;
  deeds_.push_back([assignment, why = why_not("cancelled", "cancelled", given.reason + "; the sidecar did not give it up")](Outside& o) { o.done(assignment, HEDDLE_CANCELLED, why); });
  const uint64_t now = outside_->now_ns();
  quarantine(given, given.deadline_ns > now ? given.deadline_ns - now : kQuarantineNs);
  cut(given.call);
}

void NsnWorker::fail(heddle_id id, heddle_status status, const std::string& code, const std::string& message, bool permanent) {
  finish(id, status, why_not(code, status == HEDDLE_CANCELLED ? "cancelled" : permanent || code == "not-understood" ? "permanent" : "retryable", message));
}

void NsnWorker::finish(heddle_id id, heddle_status status, Value result) {
  deeds_.push_back([id, status, result = std::move(result)](Outside& o) mutable { o.done(id, status, std::move(result)); });
  release(id);
}

// Its slot is free.
void NsnWorker::release(heddle_id id) {
  if (given_.erase(id) > 0) offer();
}

}  // namespace sidecar_grpc
