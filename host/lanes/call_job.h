// For tests: a job that calls a function.
#pragma once
#include <functional>
#include <utility>

#include "lanes/lanes.h"

namespace heddle {

struct CallJob : Job {
  explicit CallJob(std::function<void()> f) : function(std::move(f)) {
    run = [](Job* j) noexcept { static_cast<CallJob*>(j)->function(); };
  }
  std::function<void()> function;
};

}  // namespace heddle
