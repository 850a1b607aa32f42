// Gathering: what several were asked, each of whom may answer on any thread, or go without an answer. Who asked is told what came as soon as the last one has let go of it, or when that takes too long.
#pragma once
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "clock.h"
#include "serve/control_state.h"

namespace heddle {

template <class Part>
class Gathering {
 public:
  static constexpr uint64_t kMostNs = 20 * kNsPerSecond;
  // Once, on any thread: also on that of somebody who was asked. So it holds nobody whom it would end there. `is_late`: not all had let go.
  using Told = std::function<void(std::vector<Part> parts, bool is_late)>;

  // Those who are asked hold it until they have answered.
  static std::shared_ptr<Gathering> open(Control::State& control, Told told) {
    auto one = std::make_shared<Gathering>(control.weak_from_this(), std::move(told));
    one->alarm_ = control.errands.at(now_ns() + kMostNs, [weak = std::weak_ptr(one)] {
      if (const auto here = weak.lock()) here->tell(true);
    });
    return one;
  }
  Gathering(std::weak_ptr<Control::State> control, Told told) : control_(std::move(control)), told_(std::move(told)) {}
  ~Gathering() {
    if (const auto control = control_.lock()) control->errands.take_back(alarm_);
    tell(false);
  }
  Gathering(const Gathering&) = delete;
  Gathering& operator=(const Gathering&) = delete;

  // [any]
  void add(Part part) {
    std::lock_guard lock(mutex_);
    parts_.push_back(std::move(part));
  }

 private:
  void tell(bool is_late) {
    Told told;
    std::vector<Part> parts;
    {
      std::lock_guard lock(mutex_);
      told = std::exchange(told_, nullptr);
      parts = std::exchange(parts_, {});
    }
    if (told) told(std::move(parts), is_late);
  }

  const std::weak_ptr<Control::State> control_;
  Errands::Id alarm_ = 0;
  std::mutex mutex_;
  // Guarded by mutex_:
  Told told_;
  std::vector<Part> parts_;
};

}  // namespace heddle
