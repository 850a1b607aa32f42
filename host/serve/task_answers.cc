#include "serve/task_answers.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "log.h"
#include "value/json_value.h"

namespace heddle {
namespace {

using Members = std::vector<std::pair<std::string, Value>>;

Value clean_text(const std::string& text) { return json_text(log::redacted(text)); }

Members members_of(const std::string& worker, const TaskRunner::View& view) {
  const Task& task = view.task;
  Members members = {{"worker", json_text(worker)}, {"activity", json_text(task.activity)}, {"run", json_count(task.run)},
                     {"state", json_text(name_of(task.state))}, {"over", Value::boolean(is_over(task.state))}, {"kind", json_text(task.kind)},
                     {"queue", json_text(task.queue)}, {"partition", json_count(task.partition)}, {"attempt", json_count(task.attempt)}, {"percent", json_count(view.percent)}};
  const auto say = [&](const char* key, const std::string& text) {
    if (!text.empty()) members.emplace_back(key, clean_text(text));
  };
  const auto time = [&](const char* key, int64_t unix_s) {
    if (unix_s > 0) members.emplace_back(key, Value::integer(unix_s));
  };
  say("workflow", task.workflow);
  say("message", view.message);
  say("waits_for", view.note);
  time("lease_until_unix", task.lease_until_unix);
  time("expires_unix", task.expires_unix);
  if (task.history.empty()) return members;
  members.emplace_back("since_ms", json_count(task.history.back().at_ms));
  say("why", task.history.back().why);
  return members;
}

Value counts_json(const TaskCounts& counts) {
  uint64_t open = 0;
  for (const auto& [state, n] : counts.open) open += n;
  return json_object({{"open", json_count(open)}, {"settled", json_count(counts.settled)}, {"failed", json_count(counts.failed)}, {"lost", json_count(counts.lost)}});
}

}  // namespace

Value task_json(const std::string& worker, const TaskRunner::View& view) { return json_object(members_of(worker, view)); }

Value task_detail_json(const std::string& worker, const TaskRunner::View& view) {
  Members members = members_of(worker, view);
  std::vector<Value> history;
  for (const TaskMove& move : view.task.history) {
    Members one = {{"to", json_text(name_of(move.to))}, {"at_ms", json_count(move.at_ms)}};
    if (!move.why.empty()) one.emplace_back("why", clean_text(move.why));
    history.push_back(json_object(std::move(one)));
  }
  members.emplace_back("history", Value::list(std::move(history)));
  return json_object(std::move(members));
}

Value worker_json(const ChainWorkers::Standing& worker) {
  Members members = {{"worker", json_text(worker.name)}, {"works", Value::boolean(worker.worker != nullptr)}};
  if (!worker.worker) {
    members.emplace_back("why", clean_text(worker.why));
    return json_object(std::move(members));
  }
  members.emplace_back("account", json_text(worker.worker->account()));
  members.emplace_back("counts", counts_json(worker.worker->tasks().counts()));
  if (const Value standing = worker.worker->standing()) members.emplace_back("standing", without_secrets(standing));
  return json_object(std::move(members));
}

Value without_secrets(const Value& said) {
  switch (said.kind()) {
    case HEDDLE_STRING: return clean_text(std::string(said.as_text().value_or("")));
    case HEDDLE_LIST: {
      std::vector<Value> items;
      for (size_t i = 0; i < said.size(); ++i) items.push_back(without_secrets(said.at(i)));
      return Value::list(std::move(items));
    }
    case HEDDLE_MAP: {
      Members members;
      for (size_t i = 0; i < said.size(); ++i) {
        std::string_view key;
        const Value one = said.at(i, &key);
        members.emplace_back(std::string(key), without_secrets(one));
      }
      return json_object(std::move(members));
    }
    default: return said;
  }
}

}  // namespace heddle
