#include "timers.h"

#include <algorithm>
#include <utility>

namespace sidecar_rest {

using heddle::sdk::detail::services;

void Timers::after(uint64_t delay_ns, std::function<void()> then) {
  std::lock_guard lock(mutex_);
  One& one = waiting_.emplace_back(One{this, std::move(then), {}});
  one.at = std::prev(waiting_.end());
  const heddle_job_fn run = [](void* ctx) noexcept {
    const std::function<void()> due = static_cast<One*>(ctx)->all->take(*static_cast<One*>(ctx));
    due();
  };
  if (services.sched->after(host_, std::max<uint64_t>(delay_ns, 1), run, &one) == 0) waiting_.pop_back();
}

std::function<void()> Timers::take(One& one) {
  std::lock_guard lock(mutex_);
  std::function<void()> then = std::move(one.then);
  waiting_.erase(one.at);
  return then;
}

}  // namespace sidecar_rest
