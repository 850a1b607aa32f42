#include <utility>

#include "chain/said.h"
#include "chain/task.h"
#include "value/json_value.h"

namespace heddle {
namespace {

constexpr size_t kMostMoves = 64;

Error bad(const std::string& what) { return Error("bad-record", "the record of a task " + what); }

Result<TaskState> state_in(const Value& record, std::string_view key) {
  const auto state = task_state_named(text_in(record, key));
  if (!state) return bad("has no state");
  return *state;
}

}  // namespace

std::string task_record(const Task& task) {
  std::vector<Value> history;
  for (const TaskMove& move : task.history) {
    std::vector<std::pair<std::string, Value>> one = {{"to", json_text(name_of(move.to))}, {"at_ms", json_count(move.at_ms)}};
    if (!move.why.empty()) one.emplace_back("why", json_text(move.why));
    history.push_back(json_object(std::move(one)));
  }
  std::vector<std::pair<std::string, Value>> members = {{"activity", json_text(task.activity)}, {"run", json_count(task.run)}, {"state", json_text(name_of(task.state))}};
  const auto say = [&](const char* key, const std::string& text) {
    if (!text.empty()) members.emplace_back(key, json_text(text));
  };
  const auto count = [&](const char* key, int64_t n) {
    if (n != 0) members.emplace_back(key, Value::integer(n));
  };
  say("kind", task.kind);
  say("workflow", task.workflow);
  say("queue", task.queue);
  count("partition", task.partition);
  count("expires_unix", task.expires_unix);
  count("lease_until_unix", task.lease_until_unix);
  count("attempt", task.attempt);
  say("checkpoint", task.checkpoint);
  if (task.cancelled) members.emplace_back("cancelled", json_text(*task.cancelled));
  say("transaction", task.transaction);
  if (task.outcome) members.emplace_back("good", Value::boolean(task.outcome->is_good));
  if (task.outcome) say("reason", task.outcome->reason);
  members.emplace_back("history", Value::list(std::move(history)));
  return json_object(std::move(members)).json();
}

Result<Task> read_task_record(std::string_view text) {
  const auto parsed = Value::parse(text);
  if (!parsed || parsed->kind() != HEDDLE_MAP) return bad("is no JSON object");
  const Value& record = *parsed;
  Task task;
  const auto state = state_in(record, "state");
  if (!state) return state.error();
  task.state = *state;
  task.activity = text_in(record, "activity");
  if (task.activity.empty()) return bad("names no activity");
  const int64_t run = number_in(record, "run");
  if (run < 1) return bad("has no run");
  task.run = static_cast<uint64_t>(run);
  task.kind = text_in(record, "kind");
  task.workflow = text_in(record, "workflow");
  task.queue = text_in(record, "queue");
  task.partition = static_cast<uint32_t>(number_in(record, "partition"));
  task.expires_unix = number_in(record, "expires_unix");
  task.lease_until_unix = number_in(record, "lease_until_unix");
  task.attempt = static_cast<uint32_t>(number_in(record, "attempt"));
  task.checkpoint = text_in(record, "checkpoint");
  if (const Value why = record.find("cancelled"); why && why.as_text()) task.cancelled = std::string(*why.as_text());
  task.transaction = text_in(record, "transaction");
  if (const Value good = record.find("good"); good && good.as_bool()) task.outcome = TaskOutcome{.is_good = *good.as_bool(), .reason = text_in(record, "reason")};
  if (!task.outcome && (task.state == TaskState::kComputed || task.state == TaskState::kSubmitted)) return bad("has no outcome, and should");
  const Value history = record.find("history");
  if (!history || history.kind() != HEDDLE_LIST || history.size() > kMostMoves) return bad("has no history");
  for (size_t i = 0; i < history.size(); ++i) {
    const Value one = history.at(i);
    const auto to = state_in(one, "to");
    if (!to) return to.error();
    task.history.push_back({.to = *to, .at_ms = static_cast<uint64_t>(number_in(one, "at_ms")), .why = text_in(one, "why")});
  }
  return task;
}

}  // namespace heddle
