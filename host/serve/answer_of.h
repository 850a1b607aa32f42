// Waiting for what is told once, on any thread. Not for a lane's worker: it may be the one that is waited for.
#pragma once
#include <future>
#include <memory>
#include <utility>

#include "result.h"

namespace heddle {

// `ask` gets a function that takes the answer.
template <class T, class Ask>
Result<T> answer_of(Ask ask) {
  auto promise = std::make_shared<std::promise<Result<T>>>();
  auto answer = promise->get_future();
  ask([promise](Result<T> outcome) { promise->set_value(std::move(outcome)); });
  return answer.get();
}

}  // namespace heddle
