#include "timers.h"

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

namespace sidecar_rest {

using heddle::sdk::detail::services;

void Timers::after(uint64_t delay_ns, std::function<void()> then) {
  std::lock_guard lock(mutex_);
  const uint64_t now = services.sched->now_ns(host_);
  waiting_.emplace(now + std::min(delay_ns, UINT64_MAX - now), std::move(then));
  arm();
}

void Timers::arm() {
  if (waiting_.empty() || armed_ns_ <= waiting_.begin()->first) return;
  if (timer_ != 0) services.sched->cancel(host_, timer_);  // one that runs already finds nothing to do
  armed_ns_ = waiting_.begin()->first;
  const uint64_t now = services.sched->now_ns(host_);
  const heddle_job_fn due = [](void* self) noexcept { static_cast<Timers*>(self)->run(); };
  timer_ = services.sched->after(host_, armed_ns_ > now ? armed_ns_ - now : 1, due, this);
  if (timer_ == 0) armed_ns_ = UINT64_MAX;  // the next one tries again
}

void Timers::run() {
  std::vector<std::function<void()>> due;
  {
    std::lock_guard lock(mutex_);
    const auto end = waiting_.upper_bound(services.sched->now_ns(host_));
    std::transform(waiting_.begin(), end, std::back_inserter(due), [](auto& one) { return std::move(one.second); });
    waiting_.erase(waiting_.begin(), end);
    armed_ns_ = UINT64_MAX;
    timer_ = 0;
    arm();
  }
  for (const auto& then : due) then();
}

}  // namespace sidecar_rest
