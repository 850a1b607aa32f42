// Patience: tells many who wait for something that they have waited long enough, with one timer for all of them, and none while nobody waits.
#pragma once
#include <cstdint>
#include <functional>
#include <mutex>
#include <utility>
#include <vector>

#include "lanes/errands.h"

namespace heddle {

class Patience {
 public:
  explicit Patience(uint64_t least_ns) : least_ns_(least_ns) {}

  // [any] `enough` is called once, on a lane, after the least time and before the double of it. `errands` is always the same one, and goes before this object.
  void wait(Errands& errands, std::function<void()> enough) {
    std::lock_guard lock(mutex_);
    young_.push_back(std::move(enough));
    if (!std::exchange(armed_, true)) arm(errands);
  }

 private:
  void arm(Errands& errands) {
    errands.at(now_ns() + least_ns_, [this, &errands] { pass(errands); });
  }
  void pass(Errands& errands) {
    std::vector<std::function<void()>> over;
    {
      std::lock_guard lock(mutex_);
      over.swap(old_);
      old_.swap(young_);
      armed_ = !old_.empty();
      if (armed_) arm(errands);
    }
    for (const auto& enough : over) enough();
  }

  const uint64_t least_ns_;
  std::mutex mutex_;
  // Guarded by mutex_:
  std::vector<std::function<void()>> young_, old_;
  bool armed_ = false;
};

}  // namespace heddle
