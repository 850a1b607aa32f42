// Deeds: what a state machine decides under its lock is done after it, without it: one deed at a time, in order.
#pragma once
#include <heddle/abi.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>

namespace sidecar_grpc {

// `Machine` derives from this and from std::enable_shared_from_this; `World` does what it wants done.
template <class Machine, class World>
class Deeds {
 protected:
  using Deed = std::function<void(World&)>;
  explicit Deeds(std::shared_ptr<World> outside) : outside_(std::move(outside)) {}
  ~Deeds() = default;

  // Without the lock; to be called whenever deeds may have come.
  void carry_out() {
    std::unique_lock lock(mutex_);
    if (std::exchange(acting_, true)) return;
    while (!deeds_.empty()) {
      const Deed deed = std::move(deeds_.front());
      deeds_.pop_front();
      lock.unlock();
      deed(*outside_);
      lock.lock();
    }
    acting_ = false;
  }
  // `then` is called without the lock.
  void later(uint64_t delay_ns, void (Machine::*then)(heddle_id), heddle_id of) {
    outside_->after(delay_ns, [weak = static_cast<Machine*>(this)->weak_from_this(), then, of] {
      const auto self = weak.lock();
      if (!self) return;
      (self.get()->*then)(of);
      self->carry_out();
    });
  }

  const std::shared_ptr<World> outside_;
  mutable std::mutex mutex_;
  std::deque<Deed> deeds_;  // guarded by mutex_

 private:
  bool acting_ = false;  // guarded by mutex_
};

}  // namespace sidecar_grpc
