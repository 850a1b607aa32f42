// TaskWork: what is done for a task: one attempt after the other, each from begin to its answer.
#pragma once
#include <cstdint>
#include <functional>
#include <string>

#include "chain/task.h"
#include "result.h"
#include "value/value.h"

namespace heddle {

// One attempt.
struct WorkOrder {
  Task task;                 // as it is in the journal; `attempt` and `checkpoint` are of this attempt
  std::string lane = {};     // of its queue
  Value input = {};          // BYTES, as the chain has them
  uint64_t deadline_ns = 0;  // CLOCK_MONOTONIC; 0: none
};

// What is heard meanwhile: any thread; it must not block.
struct WorkProgress {
  uint32_t percent = 0;
  std::string message = {}, checkpoint = {};  // each may be empty
};
struct WorkHearing {
  std::function<void(const WorkProgress&)> progress;
  std::function<void(Result<Value> result)> done;  // once; the result is BYTES
};

struct TaskWork {
  // Whether work of this kind is done here at all.
  std::function<bool(const std::string& kind)> knows;
  // [any] Does not block. What it gives ends the attempt early: `done` follows soon, in either case. It may be called at any time, also after that.
  std::function<std::function<void()>(const WorkOrder&, WorkHearing)> begin;
  // How many more tasks it can take up, as far as it knows: of `busy` ones that it has; UINT64_MAX: no limit.
  std::function<uint64_t(uint64_t busy)> room;
};

}  // namespace heddle
