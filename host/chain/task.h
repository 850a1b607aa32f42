// Task: work offered by a chain: its state, and every move that it may make. No I/O.
//
//   offered    we want it; its claim is on the way
//   claimed    the chain says that it is ours
//   running    its pipeline works on it
//   computed   there is a result, or a reason why there is none
//   submitted  the transaction that says so is stored: nothing can lose it any more; where the chain refuses a result in its block, there is a reason instead: computed once more
//   settled    the chain has the result, for good; failed: it has the reason, or refuses both; lost: it is not ours (any more)
//
// What stands here was written to the journal before anything was done about it.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "result.h"
#include "value/value.h"

namespace heddle {

enum class TaskState : uint8_t { kOffered, kClaimed, kRunning, kComputed, kSubmitted, kSettled, kFailed, kLost };
inline constexpr TaskState kTaskStates[] = {TaskState::kOffered,   TaskState::kClaimed, TaskState::kRunning, TaskState::kComputed,
                                            TaskState::kSubmitted, TaskState::kSettled, TaskState::kFailed,  TaskState::kLost};

std::string_view name_of(TaskState state);
std::optional<TaskState> task_state_named(std::string_view name);
inline bool is_over(TaskState state) { return state >= TaskState::kSettled; }
// The table of legal moves.
bool may_move(TaskState from, TaskState to);

struct TaskMove {
  TaskState to = TaskState::kOffered;
  uint64_t at_ms = 0;  // CLOCK_REALTIME
  std::string why = {};
};

// What came of the work.
struct TaskOutcome {
  bool is_good = true;
  Value result = {};        // BYTES, of a good one
  std::string reason = {};  // of a bad one
};

struct Task {
  std::string activity;  // the chain's id
  uint64_t run = 1;      // how often this host has taken it: an answer of another run is none of this one's
  std::string kind = {}, workflow = {}, queue = {};
  uint32_t partition = 0;
  TaskState state = TaskState::kOffered;
  int64_t expires_unix = 0, lease_until_unix = 0;  // in the chain's time; 0: never, no lease
  uint32_t attempt = 0;                            // of its pipeline
  std::string checkpoint = {};                     // from which the next attempt may go on
  std::optional<std::string> cancelled = {};       // why, by the operator
  std::optional<TaskOutcome> outcome = {};         // from kComputed on
  std::string transaction = {};                    // its hash, of what settled it
  std::vector<TaskMove> history = {};              // every move, the first one to kOffered or kClaimed

  // Names a transaction about it, once for ever: "ID/claim/1".
  std::string key(std::string_view deed) const { return activity + "/" + std::string(deed) + "/" + std::to_string(run); }
};

// The task as it is after the move, with its history. Errors: "illegal-move".
Result<Task> moved(Task task, TaskState to, std::string why, uint64_t now_ms);

// The record of the journal: one JSON object, without the result. Errors of reading: "bad-record".
std::string task_record(const Task& task);
Result<Task> read_task_record(std::string_view text);

}  // namespace heddle
