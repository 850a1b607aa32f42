// awaited: asks something of a plugin that may block, and waits for the answer.
#pragma once
#include <future>
#include <memory>
#include <utility>

#include "result.h"

namespace heddle {

// `ask` gets who is to be told the outcome, once, on any thread. Where a plugin may be waited for: in [setup] and [start].
template <class T, class Ask>
Result<T> awaited(Ask ask) {
  const auto promise = std::make_shared<std::promise<Result<T>>>();
  auto answer = promise->get_future();
  ask([promise](Result<T> outcome) { promise->set_value(std::move(outcome)); });
  return answer.get();
}

}  // namespace heddle
