// What each state calls for.
#include <algorithm>
#include <utility>

#include "chain/said.h"
#include "chain/task_runner.h"
#include "clock.h"
#include "log.h"
#include "value/json_value.h"

namespace heddle {
namespace {

// Asking again with the same key is the way to go on, unless the chain has said its last word.
bool is_final(const Error& why) { return why.error_class != ErrorClass::kRetryable && why.error_class != ErrorClass::kCancelled; }
bool is_late(const Error& why) { return why.code == "too-late"; }

constexpr uint32_t kMostNotShown = 3;
constexpr size_t kMostReason = 1'000;  // bytes

}  // namespace

void TaskRunner::step(const Id& id, uint64_t run) {
  Entry* const entry = find(id, run);
  if (!entry || entry->busy || entry->ending || entry->job != 0) return;
  switch (entry->task.state) {
    case TaskState::kOffered: return claim(*entry);
    case TaskState::kClaimed: return begin(*entry);
    case TaskState::kRunning: return attempt(*entry);
    case TaskState::kComputed: return submit(*entry);
    case TaskState::kSubmitted: return confirm(*entry);
    default: return;
  }
}

// "claim" once it is included: whether it was we who got it, the activity says.
void TaskRunner::claim(Entry& entry) {
  const Task& task = entry.task;
  const uint64_t first_ms = task.history.empty() ? wall_ms() : task.history.front().at_ms;
  const Value intent = json_object({{"do", json_text("claim")}, {"activity", json_text(task.activity)}, {"until", json_text("included")},
                                    {"not_after_unix", Value::integer(static_cast<int64_t>(first_ms / 1'000 + settings_.claim_s))}});
  parts_.chain.submit(task.key("claim"), intent, answer_to(entry, [this](Entry& there, Result<Value> outcome) {
    if (!outcome && is_late(outcome.error())) return end(there, TaskState::kLost, "its claim was in no block in time");
    if (!outcome && is_final(outcome.error())) return end(there, TaskState::kLost, "the chain refuses the claim: " + outcome.error().text());
    if (!outcome && claim_is_late(there.task)) return end(there, TaskState::kLost, "its claim could not be sent: " + outcome.error().text());
    if (!outcome) return wait(there, outcome.error());
    there.seen_ns = now_ns();
    read_activity(there, [this](Entry& known, Result<Value> activity) {
      if (!activity) return wait(known, activity.error());
      claimed(known, *activity);
    });
  }));
}

bool TaskRunner::claim_is_late(const Task& task) const { return static_cast<int64_t>(task.history.front().at_ms / 1'000 + settings_.claim_s) <= unix_now(); }

void TaskRunner::claimed(Entry& entry, const Value& activity) {
  if (!is_ours(activity)) {
    // Who is asked may be behind the block with the claim.
    const bool is_nobodys = activity.is_null() || text_in(activity, "state") == "offered";
    if (is_nobodys && !claim_is_late(entry.task)) return wait(entry, Error("behind", "the chain does not show the claim yet", ErrorClass::kRetryable));
    count([](TaskCounts& c) { ++c.claims_lost; });
    return end(entry, TaskState::kLost, "another worker has it");
  }
  count([](TaskCounts& c) { ++c.claims; });
  Task task = entry.task;
  take_over(task, activity);
  entry.input = activity.find("input");
  write(entry, moved(std::move(task), TaskState::kClaimed, "", wall_ms()), [this](Entry& there) { step(there.task.activity, there.task.run); });
}

// From claimed to running. What the chain has as input is read again after a restart.
void TaskRunner::begin(Entry& entry) {
  if (entry.task.cancelled) return compute(entry, {.is_good = false, .reason = *entry.task.cancelled}, "cancelled");
  if (!entry.has_room) return ask_for_room();
  if (!entry.input) {
    return read_activity(entry, [this](Entry& there, Result<Value> activity) {
      if (!activity) return wait(there, activity.error());
      if (!is_ours(*activity)) {
        wait(there, Error("behind", "the chain does not show it as ours", ErrorClass::kRetryable));
        return doubt(there, "it is not ours any more");
      }
      take_over(there.task, *activity);
      there.input = activity->find("input");
      step(there.task.activity, there.task.run);
    });
  }
  if (!parts_.work.knows(entry.task.kind)) return compute(entry, {.is_good = false, .reason = "this worker does no activities of the kind " + entry.task.kind}, "its kind is not known");
  if (entry.task.state == TaskState::kRunning) return attempt(entry);
  Task task = entry.task;
  task.attempt = 1;
  write(entry, moved(std::move(task), TaskState::kRunning, "", wall_ms()), [this](Entry& there) {
    there.is_written = true;
    step(there.task.activity, there.task.run);
  });
}

void TaskRunner::compute(Entry& entry, TaskOutcome outcome, std::string why) {
  Task task = entry.task;
  task.outcome = std::move(outcome);
  entry.computed_ns = now_ns();
  entry.has_room = false;
  entry.input = {};
  write(entry, moved(std::move(task), TaskState::kComputed, std::move(why), wall_ms()), [this](Entry& there) {
    ask_for_room();
    ask_for_work();
    step(there.task.activity, there.task.run);
  });
}

Value TaskRunner::settling_intent(const Task& task, const char* until) {
  std::vector<std::pair<std::string, Value>> members = {{"activity", json_text(task.activity)}, {"until", json_text(until)}};
  if (task.outcome->is_good) {
    members.emplace_back("do", json_text("complete"));
    members.emplace_back("result", task.outcome->result);
  } else {
    members.emplace_back("do", json_text("fail"));
    members.emplace_back("reason", json_text(log::redacted(task.outcome->reason)));
  }
  const int64_t latest = task.lease_until_unix != 0 && task.expires_unix != 0 ? std::min(task.lease_until_unix, task.expires_unix) : std::max(task.lease_until_unix, task.expires_unix);
  if (latest != 0) members.emplace_back("not_after_unix", Value::integer(latest));
  return json_object(std::move(members));
}

void TaskRunner::submit(Entry& entry) {
  tell_chain(entry, "stored", "the lease ended before the outcome could be sent", [this](Entry& there, const Value& answer) {
    if (there.computed_ns != 0) work_to_submit_.record(now_ns() - std::exchange(there.computed_ns, 0));
    Task task = there.task;
    task.transaction = text_in(answer, "transaction");
    write(there, moved(std::move(task), TaskState::kSubmitted, "", wall_ms()), [this](Entry& written) { step(written.task.activity, written.task.run); });
  });
}

void TaskRunner::confirm(Entry& entry) {
  tell_chain(entry, "final", "its outcome was in no block in time", [this](Entry& there, const Value& answer) {
    if (std::string hash = text_in(answer, "transaction"); !hash.empty()) there.task.transaction = std::move(hash);
    const bool is_good = there.task.outcome->is_good;
    end(there, is_good ? TaskState::kSettled : TaskState::kFailed, is_good ? "" : there.task.outcome->reason);
  });
}

// The outcome, under its one key.
void TaskRunner::tell_chain(Entry& entry, const char* until, const char* late, std::function<void(Entry&, const Value&)> then) {
  const char* const deed = entry.task.outcome->is_good ? "complete" : "fail";
  parts_.chain.submit(entry.task.key(deed), settling_intent(entry.task, until), answer_to(entry, [this, late, then = std::move(then)](Entry& there, Result<Value> outcome) {
    if (outcome) return then(there, *outcome);
    if (is_late(outcome.error())) return judge(there, Verdict::kLate, late);
    if (is_final(outcome.error())) return judge(there, Verdict::kRefused, "the chain refuses the outcome: " + outcome.error().text());
    wait(there, outcome.error());
  }));
}

void TaskRunner::judge(Entry& entry, Verdict verdict, const std::string& why) {
  read_activity(entry, [this, verdict, why](Entry& there, Result<Value> activity) {
    if (!activity) return wait(there, activity.error());
    if (verdict == Verdict::kRefused && is_ours(*activity) && there.task.outcome->is_good) return tell_refusal(there, why);
    end_as_said(there, *activity, why);
  });
}

// A result that the chain does not take is a failure that it may take.
void TaskRunner::tell_refusal(Entry& entry, const std::string& why) {
  Result<Task> task = entry.task.state == TaskState::kSubmitted ? moved(entry.task, TaskState::kComputed, why, wall_ms()) : Result<Task>(entry.task);
  if (task) task->outcome = TaskOutcome{.is_good = false, .reason = repaired_utf8(why.substr(0, kMostReason))};
  log::write(log::Level::kWarn, settings_.name, "task " + entry.task.activity + ": " + why + "; the chain is told so");
  write(entry, std::move(task), [this](Entry& there) { step(there.task.activity, there.task.run); });
}

void TaskRunner::doubt(Entry& entry, const std::string& why) {
  if (entry.ending || std::exchange(entry.doubted, true)) return;
  ask_for(entry.task.activity, later<Result<Value>>([this, id = entry.task.activity, run = entry.task.run, why](Result<Value> activity) {
    Entry* const there = find(id, run);
    if (!there) return;
    there->doubted = false;
    if (!activity || there->ending) return;
    if (there->task.state == TaskState::kOffered) {
      if (text_in(*activity, "state") == "assigned" && !is_ours(*activity) && !is_on_offer(*activity)) end(*there, TaskState::kLost, "another worker has it");
      return;
    }
    if (there->busy || there->task.state > TaskState::kComputed) return;  // it hears by itself
    if (is_ours(*activity)) {
      there->not_shown = 0;
      return;
    }
    // Who is asked may be behind, and a block with a claim may be undone and come again.
    if ((activity->is_null() || text_in(*activity, "state") == "offered") && ++there->not_shown < kMostNotShown) return;
    count([](TaskCounts& c) { ++c.repairs; });
    end_as_said(*there, *activity, why);
  }));
}

void TaskRunner::end_as_said(Entry& entry, const Value& activity, const std::string& why) {
  const std::string state = activity.is_null() ? "" : text_in(activity, "state");
  const bool has_our_name = !activity.is_null() && text_in(activity, "worker") == account_;
  if (state == "completed" && has_our_name) return end(entry, TaskState::kSettled, "the chain has it as completed");
  if (state == "failed" && has_our_name) return end(entry, TaskState::kFailed, "the chain has it as failed");
  end(entry, is_ours(activity) ? TaskState::kFailed : TaskState::kLost, why);
}

bool TaskRunner::is_ours(const Value& activity) const { return !activity.is_null() && text_in(activity, "worker") == account_ && text_in(activity, "state") == "assigned"; }

void TaskRunner::ask_for(const Id& activity, TaskChain::Done done) const { parts_.chain.read(json_object({{"ask", json_text("activity")}, {"activity", json_text(activity)}}), std::move(done)); }

void TaskRunner::read_activity(Entry& entry, Heard heard) { ask_for(entry.task.activity, answer_to(entry, std::move(heard))); }

}  // namespace heddle
