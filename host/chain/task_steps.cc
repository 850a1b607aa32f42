// What each state calls for.
#include <algorithm>
#include <ctime>
#include <utility>

#include "chain/said.h"
#include "chain/task_runner.h"
#include "clock.h"
#include "log.h"
#include "value/json_value.h"

namespace heddle {
namespace {

int64_t unix_now() { return static_cast<int64_t>(wall_ms() / 1'000); }

// Asking again with the same key is the way to go on, unless the chain has said its last word.
bool is_final(const Error& why) { return why.error_class != ErrorClass::kRetryable && why.error_class != ErrorClass::kCancelled; }
bool is_late(const Error& why) { return why.code == "too-late"; }

}  // namespace

void TaskRunner::step(const Id& id, uint64_t run) {
  Entry* const entry = find(id, run);
  if (!entry || entry->busy || entry->job != 0) return;
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
    const bool out_of_time = static_cast<int64_t>(there.task.history.front().at_ms / 1'000 + settings_.claim_s) <= unix_now();
    if (!outcome && out_of_time) return end(there, TaskState::kLost, "its claim could not be sent: " + outcome.error().text());
    if (!outcome) return wait(there, outcome.error());
    there.seen_ns = now_ns();
    read_activity(there, [this](Entry& known, Result<Value> activity) {
      if (!activity) return wait(known, activity.error());
      claimed(known, *activity);
    });
  }));
}

void TaskRunner::claimed(Entry& entry, const Value& activity) {
  if (activity.is_null() || text_in(activity, "state") != "assigned" || text_in(activity, "worker") != account_) {
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
  if (entry.cancelled) return compute(entry, {.is_good = false, .reason = *entry.cancelled}, "cancelled");
  if (draining_ || room_of(queue_of(entry.task), Counted::kWorking) == 0) return;
  if (!entry.input) {
    return read_activity(entry, [this](Entry& there, Result<Value> activity) {
      if (!activity) return wait(there, activity.error());
      if (activity->is_null() || text_in(*activity, "worker") != account_ || text_in(*activity, "state") != "assigned") return judge(there, "it is not ours any more");
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
  write(entry, moved(std::move(task), TaskState::kComputed, std::move(why), wall_ms()), [this](Entry& there) { step(there.task.activity, there.task.run); });
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
  const char* const deed = entry.task.outcome->is_good ? "complete" : "fail";
  parts_.chain.submit(entry.task.key(deed), settling_intent(entry.task, "stored"), answer_to(entry, [this](Entry& there, Result<Value> outcome) {
    if (!outcome && is_late(outcome.error())) return judge(there, "the lease ended before the outcome could be sent");
    if (!outcome && is_final(outcome.error())) return judge(there, "the chain refuses the outcome: " + outcome.error().text());
    if (!outcome) return wait(there, outcome.error());
    if (there.computed_ns != 0) work_to_submit_.record(now_ns() - there.computed_ns);
    Task task = there.task;
    task.transaction = text_in(*outcome, "transaction");
    write(there, moved(std::move(task), TaskState::kSubmitted, "", wall_ms()), [this](Entry& written) { step(written.task.activity, written.task.run); });
  }));
}

void TaskRunner::confirm(Entry& entry) {
  const char* const deed = entry.task.outcome->is_good ? "complete" : "fail";
  parts_.chain.submit(entry.task.key(deed), settling_intent(entry.task, "final"), answer_to(entry, [this](Entry& there, Result<Value> outcome) {
    if (!outcome && is_late(outcome.error())) return judge(there, "its outcome was in no block in time");
    if (!outcome && is_final(outcome.error())) return judge(there, "the chain refuses the outcome: " + outcome.error().text());
    if (!outcome) return wait(there, outcome.error());
    if (std::string hash = text_in(*outcome, "transaction"); !hash.empty()) there.task.transaction = std::move(hash);
    const bool is_good = there.task.outcome->is_good;
    end(there, is_good ? TaskState::kSettled : TaskState::kFailed, is_good ? "" : there.task.outcome->reason);
  }));
}

// Something is not as it should be: the chain decides what has become of it.
void TaskRunner::judge(Entry& entry, const std::string& why) {
  read_activity(entry, [this, why](Entry& there, Result<Value> activity) {
    if (!activity) return wait(there, activity.error());
    const std::string state = activity->is_null() ? "" : text_in(*activity, "state");
    const bool is_ours = !activity->is_null() && text_in(*activity, "worker") == account_;
    if (state == "completed" && is_ours) return end(there, TaskState::kSettled, "the chain has it as completed");
    if (state == "failed" && is_ours) return end(there, TaskState::kFailed, "the chain has it as failed");
    if (state == "assigned" && is_ours && there.task.state >= TaskState::kComputed) return end(there, TaskState::kFailed, why);
    if (state == "assigned" && is_ours) return;  // it goes on
    end(there, TaskState::kLost, why);
  });
}

void TaskRunner::read_activity(Entry& entry, Heard heard) {
  parts_.chain.read(json_object({{"ask", json_text("activity")}, {"activity", json_text(entry.task.activity)}}), answer_to(entry, std::move(heard)));
}

}  // namespace heddle
