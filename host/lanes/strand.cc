#include "lanes/strand.h"

#include <utility>

namespace heddle {
namespace {

constexpr size_t kAtOnce = 64;  // then others of the lane have their turn

}  // namespace

void Strand::run(std::function<void()> function) {
  std::lock_guard lock(mutex_);
  if (closed_) return;
  waiting_.push_back(std::move(function));
  if (!std::exchange(running_, true)) errands_.run([this] { drain(); });
}

void Strand::at(uint64_t when_ns, std::function<void()> function) {
  errands_.at(when_ns, [this, function = std::move(function)]() mutable { run(std::move(function)); });
}

void Strand::drain() {
  for (size_t n = 0; n < kAtOnce; ++n) {
    std::function<void()> next;
    {
      std::lock_guard lock(mutex_);
      if (waiting_.empty() || closed_) {
        running_ = false;
        return;
      }
      next = std::move(waiting_.front());
      waiting_.pop_front();
      inside_ = true;
    }
    next();
    next = nullptr;  // what it holds goes before anybody is told that it is over
    std::lock_guard lock(mutex_);
    inside_ = false;
    idle_.notify_all();
  }
  errands_.run([this] { drain(); });
}

void Strand::close() {
  std::deque<std::function<void()>> dropped;
  std::unique_lock lock(mutex_);
  closed_ = true;
  dropped.swap(waiting_);
  idle_.wait(lock, [this] { return !inside_; });
}

}  // namespace heddle
