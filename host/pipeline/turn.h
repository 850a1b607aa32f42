// Turn: a job that is in the scheduler at most once at a time, and comes again if it was woken while it ran.
#pragma once
#include <atomic>

#include "lanes/held_wakes.h"
#include "lanes/lanes.h"

namespace heddle {

// Counts what can still happen in a run by itself: turns that are due, timers, answers and input that are waited for. At zero with work left, the run is stuck.
class Activity {
 public:
  virtual ~Activity() = default;
  void begin() noexcept { count_.fetch_add(1, std::memory_order_relaxed); }
  void done() noexcept {
    if (count_.fetch_sub(1, std::memory_order_acq_rel) == 1) none_left();
  }
  bool any() const noexcept { return count_.load(std::memory_order_acquire) > 0; }

 private:
  virtual void none_left() noexcept = 0;
  std::atomic<int64_t> count_{0};
};

class Turn : private Job {
 public:
  // `body` does what there is to do and returns. Both run on `lane`. It gives false if its thread was given up meanwhile: then the turn is not
  // touched again by that thread, and revive() starts it anew.
  using Body = bool (*)(void* context) noexcept;

  Turn() { run = &enter; }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  void bind(Lanes& lanes, LaneId on, Activity& activity, Body body, void* context) {
    lanes_ = &lanes;
    lane_ = on;
    activity_ = &activity;
    body_ = body;
    context_ = context;
  }

  // [any]
  void wake() noexcept {
    int state = state_.load(std::memory_order_relaxed);
    for (;;) {
      const int changed = state == kIdle ? kPosted : state == kRunning ? kWoken : state;
      // Also without a change: what the waker did before must be seen by the turn that runs after.
      if (state_.compare_exchange_weak(state, changed, std::memory_order_acq_rel)) break;
    }
    if (state == kIdle) {
      activity_->begin();
      lanes_->post(lane_, this);
    }
  }

  // After the thread that ran it was given up.
  void revive() noexcept {
    state_.store(kPosted, std::memory_order_release);
    lanes_->post(lane_, this);
  }

 private:
  enum : int { kIdle, kPosted, kRunning, kWoken };

  static void enter(Job* job) noexcept {
    Turn& turn = *static_cast<Turn*>(job);
    turn.state_.exchange(kRunning, std::memory_order_acq_rel);
    held_wakes::begin();
    if (!turn.body_(turn.context_)) return;
    int running = kRunning;
    if (turn.state_.compare_exchange_strong(running, kIdle, std::memory_order_acq_rel)) {
      turn.activity_->done();
    } else {
      turn.state_.store(kPosted, std::memory_order_release);
      turn.lanes_->post(turn.lane_, &turn);
    }
  }

  Lanes* lanes_ = nullptr;
  LaneId lane_ = 0;
  Activity* activity_ = nullptr;
  Body body_ = nullptr;
  void* context_ = nullptr;
  std::atomic<int> state_{kIdle};
};

// Somebody who can be told that there is something to do.
class Wakeable {
 public:
  virtual ~Wakeable() = default;
  virtual void wake() noexcept = 0;  // [any]
};

}  // namespace heddle
