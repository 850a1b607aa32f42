// What becomes of an activity: its runs, its time limits, its end.
#include <algorithm>
#include <utility>

#include "plugin/worker_group.h"
#include "value/json_value.h"

namespace heddle {
namespace {

constexpr size_t kMostRuns = 100;  // of an activity that are told
constexpr uint64_t kLeastAgainNs = 10 * kNsPerMs;

std::string milliseconds(uint64_t ns) { return std::to_string(ns / kNsPerMs) + " ms"; }

// Of a run that ended so.
ActivityAnswer::Ending ending_of(const Error& why) {
  if (why.code == "failed") return ActivityAnswer::Ending::kFailed;
  if (why.code == "unsent") return ActivityAnswer::Ending::kNoWorker;
  if (why.code == "cancelled") return ActivityAnswer::Ending::kCancelled;
  if (why.code == "deadline") return ActivityAnswer::Ending::kTimedOut;
  return why.code == "invalid" || why.code == "no-url" ? ActivityAnswer::Ending::kRefused : ActivityAnswer::Ending::kLost;
}

// A result that the worker has put where it was told to is called by the name of the object, not by a URL that expires.
Value with_object(const Value& result, const std::string& url, const std::string& object) {
  const Value ref = result.find("ref");
  if (object.empty() || !ref || ref.kind() != HEDDLE_STRING) return result;
  const std::string_view said = *ref.as_text();
  if (said != url && said != std::string_view(url).substr(0, url.find('?'))) return result;
  std::vector<std::pair<std::string, Value>> members = {{"ref", json_text(object)}};
  for (const char* name : {"status", "value"})
    if (const Value found = result.find(name)) members.emplace_back(name, found);
  return json_object(std::move(members));
}

std::string text_with_names(std::string text, const std::vector<std::pair<std::string, std::string>>& urls) {
  for (const auto& [url, object] : urls)
    for (size_t at = 0; !url.empty() && (at = text.find(url, at)) != text.npos; at += object.size()) text.replace(at, url.size(), object);
  return text;
}

Error told_with(const std::vector<ActivityRun>& runs, Error why) {
  if (runs.empty()) return why;
  std::string text;
  for (const ActivityRun& run : runs)
    if (!run.error.empty()) text += (text.empty() ? "" : "; ") + (runs.size() > 1 ? "run " + run.run + " at " : "at ") + run.address + ": " + run.error + " (" + milliseconds(run.took_ns) + ")";
  if (!text.empty()) why.message = why.message.empty() || why.message == runs.back().error ? text : why.message + ": " + text;
  return why;
}

}  // namespace

// The activity, if that run of it is under way.
WorkerGroup::Activity* WorkerGroup::find(Id id, size_t run) {
  const auto found = open_.find(id);
  if (found == open_.end() || found->second->run != run) return nullptr;
  const State state = found->second->state;
  return state == State::kAssigned || state == State::kEnding ? found->second.get() : nullptr;
}

void WorkerGroup::wait_for_worker(Activity& a) {
  a.state = State::kWaiting;
  waiting_.emplace(a.request.priority, a.id);
  set_due(a, a.until_ns);
}

void WorkerGroup::begin_run(Activity& a, size_t worker, EndpointPool::Pick pick, uint64_t now) {
  waiting_.erase({a.request.priority, a.id});
  --workers_[worker].credit;
  a.state = State::kAssigned;
  a.worker = worker;
  a.pick = pick;
  a.assignment = 0;
  a.sent_ns = now;
  a.makes_room = false;
  ++a.attempts;
  preemptible_ += a.request.preemptible;
  if (a.runs.size() == kMostRuns) a.runs.erase(a.runs.begin());
  a.runs.push_back({.run = a.request.run_prefix + std::to_string(++a.run), .address = settings_.endpoints[worker].address});
  const uint64_t limit = a.policy.run_timeout_ns != 0 ? std::min(a.until_ns, now + a.policy.run_timeout_ns) : a.until_ns;
  a.request.order.run = a.runs.back().run;
  a.request.order.deadline_ns = limit;
  a.request.order.heartbeat_ms = a.policy.heartbeat_ms;
  set_due(a, limit);
}

void WorkerGroup::end_run(Activity& a, CallOutcome outcome, std::string error, uint64_t now) {
  preemptible_ -= a.request.preemptible;
  ActivityRun& run = a.runs.back();
  run.took_ns = now - a.sent_ns;
  run.error = error;
  pool_.ended(a.pick, outcome, run.took_ns, std::move(error), now);
}

void WorkerGroup::settle(Activity& a, Result<Value> result, uint64_t now, After& after) {
  if (result) {
    end_run(a, CallOutcome::kGood, "", now);
    return finish(a, ActivityAnswer::Ending::kDone, {}, with_object(*result, a.upload_url, a.upload_object), now, after);
  }
  Error why = std::move(result).error();
  why.message = text_with_names(std::move(why.message), a.urls);
  if (a.makes_room && why.code == "cancelled") {
    end_run(a, CallOutcome::kNothing, "it made room for a higher lane", now);
    --a.attempts;
    return wait_for_worker(a);
  }
  if (a.state == State::kEnding && !a.makes_room) why = Error("deadline", "the run took longer than " + milliseconds(a.policy.run_timeout_ns), ErrorClass::kRetryable);
  const bool is_here = workers_[a.worker].here;
  // What was lost went with a process: it is no word on the one that is there now.
  const bool is_workers = why.code != "failed" && why.code != "lost" && why.code != "cancelled" && why.code != "invalid" && why.code != "no-url" && is_here;
  end_run(a, why.code == "failed" ? CallOutcome::kGood : is_workers ? CallOutcome::kBad : CallOutcome::kNothing, why.text(), now);
  if (try_again(a, why, now)) return;
  const ActivityAnswer::Ending ending = ending_of(why);
  finish(a, ending, told_with(a.runs, std::move(why)), {}, now, after);
}

// True: there will be another run.
bool WorkerGroup::try_again(Activity& a, const Error& why, uint64_t now) {
  if (why.error_class != ErrorClass::kRetryable) return false;
  uint64_t wait_ns = 0;
  if (why.code == "unsent" || why.code == "no-url") {
    --a.attempts;
    if (++a.unsent > 1) wait_ns = std::max(kLeastAgainNs, a.policy.retry.wait_ns(a.unsent));
  } else {
    a.unsent = 0;
    if (!a.request.repeatable || a.attempts >= a.policy.retry.max_attempts) return false;
    if (why.code != "lost" && !pool_.may_retry(now)) return false;
    wait_ns = a.policy.retry.wait_ns(a.attempts + 1);
  }
  if (now + wait_ns >= a.until_ns) return false;
  if (wait_ns == 0) {
    wait_for_worker(a);
    return true;
  }
  a.state = State::kBackoff;
  set_due(a, now + wait_ns);
  return true;
}

void WorkerGroup::finish(Activity& a, ActivityAnswer::Ending ending, Error why, Value result, uint64_t now, After& after) {
  Told told{a.hearing, {.ending = ending, .why = std::move(why), .result = std::move(result), .runs = std::move(a.runs), .took_ns = now - a.begun_ns}};
  waiting_.erase({a.request.priority, a.id});
  set_due(a, 0);
  a.state = State::kOver;
  if (a.telling) {
    a.over = std::move(told);
    return;
  }
  after.told.push_back(std::move(told));
  open_.erase(a.id);
}

void WorkerGroup::drop(const Activity& a, const std::string& reason, After& after) const {
  if (a.assignment != 0) after.dropped.push_back({a.assignment, reason, a.policy.grace_ns});
}

// 0: never.
void WorkerGroup::set_due(Activity& a, uint64_t due_ns) {
  if (a.due_ns != 0) due_.erase({a.due_ns, a.id});
  a.due_ns = due_ns;
  if (due_ns != 0) due_.emplace(due_ns, a.id);
}

void WorkerGroup::arm() {
  uint64_t at = due_.empty() ? 0 : due_.begin()->first;
  if (absent_since_ns_ != 0 && !waiting_.empty()) at = std::min(at, absent_since_ns_ + settings_.absent_ns);
  if (at == 0 || (timer_ != 0 && timer_ns_ <= at)) return;
  if (timer_ != 0) errands_.take_back(timer_);
  timer_ns_ = at;
  timer_ = errands_.at(at, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->look();
  });
}

void WorkerGroup::look() {
  After after;
  {
    std::lock_guard lock(mutex_);
    const uint64_t now = now_ns();
    timer_ = 0;
    while (!due_.empty() && due_.begin()->first <= now) come_due(*open_.find(due_.begin()->second)->second, now, after);
    if (absent_since_ns_ != 0 && now - absent_since_ns_ >= settings_.absent_ns) {
      const std::set<Place> waiting = waiting_;
      for (const auto& [priority, id] : waiting) {
        Activity& a = *open_.find(id)->second;
        finish(a, ActivityAnswer::Ending::kNoWorker, told_with(a.runs, Error("no-worker", absent_text(now), ErrorClass::kRetryable)), {}, now, after);
      }
    }
    arm();
  }
  carry_out(std::move(after));
  pump();
}

void WorkerGroup::come_due(Activity& a, uint64_t now, After& after) {
  const bool is_out_of_time = now >= a.until_ns;
  if (!is_out_of_time && a.state == State::kWaiting) return set_due(a, a.until_ns);  // a breaker may let it through
  if (!is_out_of_time && a.state == State::kBackoff) return wait_for_worker(a);
  if (a.state == State::kAssigned) drop(a, is_out_of_time ? "its time is up" : "the run took longer than " + milliseconds(a.policy.run_timeout_ns), after);
  if (!is_out_of_time) {
    a.state = State::kEnding;
    return set_due(a, a.until_ns);
  }
  std::string why = "it took longer than " + milliseconds(now - a.begun_ns);
  if (a.state == State::kWaiting) why = "no worker was free for " + milliseconds(now - a.begun_ns) + (absent_since_ns_ != 0 ? ": " + absent_text(now) : "");
  if (a.state == State::kAssigned || a.state == State::kEnding) end_run(a, had_its_time(a, now) ? CallOutcome::kBad : CallOutcome::kNothing, "its time was up", now);
  finish(a, ActivityAnswer::Ending::kTimedOut, told_with(a.runs, Error("deadline", std::move(why), ErrorClass::kRetryable)), {}, now, after);
}

// Whether the worker is to blame, and not the wait before the run, or a caller who had no time.
bool WorkerGroup::had_its_time(const Activity& a, uint64_t now) const {
  if (a.assignment == 0 || a.makes_room) return false;
  return (now - a.sent_ns) / 9 * 10 >= (a.policy.run_timeout_ns != 0 ? a.policy.run_timeout_ns : a.policy.timeout_ns);
}

Value WorkerGroup::with_names(const Value& said, const std::vector<std::pair<std::string, std::string>>& urls) {
  const Value message = said.find("message");
  if (urls.empty() || !message || message.kind() != HEDDLE_STRING) return said;
  std::vector<std::pair<std::string, Value>> members = {{"message", json_text(text_with_names(std::string(*message.as_text()), urls))}};
  for (const char* name : {"percent", "checkpoint"})
    if (const Value found = said.find(name)) members.emplace_back(name, found);
  return json_object(std::move(members));
}

void WorkerGroup::carry_out(After after) {
  for (const Dropped& dropped : after.dropped) sidecar_->cancel(dropped.assignment, dropped.reason, dropped.grace_ns);
  for (Told& told : after.told) told.hearing->answered(std::move(told.answer));
}

}  // namespace heddle
