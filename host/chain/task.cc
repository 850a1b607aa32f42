#include "chain/task.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace heddle {
namespace {

constexpr std::string_view kNames[] = {"offered", "claimed", "running", "computed", "submitted", "settled", "failed", "lost"};

// Rows: from; columns: to; in the order of TaskState. An activity that was found on the chain as ours begins as claimed.
constexpr bool kLegal[8][8] = {
    //            offered claimed running computed submitted settled failed lost
    /* offered  */ {false, true, false, false, false, false, true, true},
    /* claimed  */ {false, false, true, true, false, true, true, true},
    /* running  */ {false, false, false, true, false, true, true, true},
    /* computed */ {false, false, false, false, true, true, true, true},
    /* submitted*/ {false, false, false, true, false, true, true, true},
    /* settled  */ {},
    /* failed   */ {},
    /* lost     */ {},
};

}  // namespace

std::string_view name_of(TaskState state) { return kNames[static_cast<size_t>(state)]; }

std::optional<TaskState> task_state_named(std::string_view name) {
  const auto found = std::find(std::begin(kNames), std::end(kNames), name);
  if (found == std::end(kNames)) return std::nullopt;
  return kTaskStates[found - std::begin(kNames)];
}

bool may_move(TaskState from, TaskState to) { return kLegal[static_cast<size_t>(from)][static_cast<size_t>(to)]; }

Result<Task> moved(Task task, TaskState to, std::string why, uint64_t now_ms) {
  if (!may_move(task.state, to)) {
    return Error("illegal-move", "task " + task.activity + " is " + std::string(name_of(task.state)) + " and cannot become " + std::string(name_of(to)));
  }
  task.state = to;
  task.history.push_back({.to = to, .at_ms = now_ms, .why = std::move(why)});
  return task;
}

}  // namespace heddle
