// TaskChain: what a worker asks of its chain. What the values hold stands in heddle/chain.h; the daemon gives a plugin's object, tests give a chain in memory.
#pragma once
#include <functional>
#include <string>

#include "result.h"
#include "value/value.h"

namespace heddle {

struct TaskChain {
  // Once, on any thread, perhaps before the call has returned; it must not block.
  using Done = std::function<void(Result<Value>)>;
  // [any] All of them.
  std::function<void(const Value& question, Done)> read;
  std::function<void(const std::string& key, const Value& intent, Done)> submit;
  std::function<void(const Value& filter, Done)> events;
};

}  // namespace heddle
