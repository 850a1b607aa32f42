// SPDX-License-Identifier: Apache-2.0
//
// Frames: the living coroutines of one node, and who may wake each of them. Used through async.h.
#pragma once
#include <condition_variable>
#include <coroutine>
#include <mutex>

#include "call.h"

namespace heddle::sdk::detail {

class Frames;

// One coroutine as Frames sees it. A frame that waits belongs to whoever ends its wait: the timer, resume(), cancel() or the end of the
// node. Exactly one does: the one that takes `timer` out, or sets `wait` to kNone, under the lock.
struct Frame {
  enum class Wait : uint8_t { kNone, kArming, kTimer, kRoom };

  CallId call{};
  std::coroutine_handle<> coroutine;
  Frames* frames = nullptr;  // null until linked
  // Where the coroutine waits for room: tries again; true: it goes on.
  bool (*retry)(void* awaiter) noexcept = nullptr;
  void* awaiter = nullptr;

  // Guarded by the mutex of `frames`:
  Frame *next = nullptr, *previous = nullptr;
  Wait wait = Wait::kNone;
  bool fired = false;  // the timer ran while it was being armed
  bool room = false;   // resume() came before anybody waited for it
  bool cancelled = false;
  heddle_id timer = 0;
};

class Frames {
 public:
  enum class Waiting : uint8_t { kYes, kNo, kFailed };

  explicit Frames(const heddle_host* h) noexcept : host_(h) {}
  Frames(const Frames&) = delete;
  Frames& operator=(const Frames&) = delete;
  // [setup] Ends what the host gave up on: frames that wait are destroyed (their calls answer for themselves), those that run are waited
  // for.
  ~Frames() { drain(); }

  void link(Frame& f) noexcept;
  void unlink(Frame& f) noexcept;

  // For the running coroutine. kYes: f now belongs to whoever ends the wait. kNo: go on at once. kFailed: the scheduler took no timer.
  Waiting wait_for(Frame& f, uint64_t delay_ns) noexcept;
  Waiting wait_for_room(Frame& f) noexcept;
  // True once nobody wants f's answer, or the node is ending: a wait is cut short, and no new one begins.
  bool is_cancelled(const Frame& f) noexcept {
    std::lock_guard lock(mutex_);
    return f.cancelled || draining_;
  }

  // [any] Cuts the wait of this call's coroutine short; it goes on as [lane].
  void cancel(CallId call) noexcept;
  // [lane] There is room where this call's coroutine had none.
  void resume(CallId call) noexcept;

 private:
  // `hurry`: a wait that is to be cut short is not begun; the wake-up after a cut is.
  Waiting arm(Frame& f, uint64_t delay_ns, bool hurry) noexcept;
  void wake(Frame& f) noexcept;
  void drain() noexcept;
  static void fire(void* frame) noexcept;
  Frame* find(CallId call) noexcept {
    Frame* f = first_;
    while (f && f->call != call) f = f->next;
    return f;
  }

  const heddle_host* host_;
  std::mutex mutex_;
  std::condition_variable changed_;  // a frame waits anew, or is gone
  Frame* first_ = nullptr;
  bool draining_ = false;
};

inline void Frames::link(Frame& f) noexcept {
  std::lock_guard lock(mutex_);
  f.frames = this;
  f.next = first_;
  if (first_) first_->previous = &f;
  first_ = &f;
}

inline void Frames::unlink(Frame& f) noexcept {
  std::lock_guard lock(mutex_);
  (f.previous ? f.previous->next : first_) = f.next;
  if (f.next) f.next->previous = f.previous;
  changed_.notify_all();  // under the lock: drain() may end this object as soon as the last frame is out
}

// The host is not called with the lock held, so the timer may run before its id is known. Then fire() leaves a mark and the frame stays
// ours.
inline Frames::Waiting Frames::arm(Frame& f, uint64_t delay_ns, bool hurry) noexcept {
  const heddle_host* const host = host_;  // a timer that goes off meanwhile may end the last frame, and with it this object
  {
    std::lock_guard lock(mutex_);
    f.wait = Frame::Wait::kArming;
    f.fired = false;
  }
  heddle_id timer = services.sched ? services.sched->after(host, delay_ns, &fire, &f) : 0;
  {
    std::lock_guard lock(mutex_);
    f.wait = Frame::Wait::kNone;
    if (timer == 0) return Waiting::kFailed;
    if (f.fired) return Waiting::kNo;
    f.wait = Frame::Wait::kTimer;
    bool cut = draining_ || (hurry && f.cancelled);
    f.timer = cut ? 0 : timer;
    changed_.notify_all();
    if (!cut) return Waiting::kYes;
  }
  return services.sched->cancel(host, timer) ? Waiting::kNo : Waiting::kYes;  // not stopped: fire() goes on with f
}

inline Frames::Waiting Frames::wait_for(Frame& f, uint64_t delay_ns) noexcept {
  return is_cancelled(f) ? Waiting::kNo : arm(f, delay_ns, true);
}

inline Frames::Waiting Frames::wait_for_room(Frame& f) noexcept {
  std::lock_guard lock(mutex_);
  if (std::exchange(f.room, false) || f.cancelled || draining_) return Waiting::kNo;
  f.wait = Frame::Wait::kRoom;
  changed_.notify_all();
  return Waiting::kYes;
}

inline void Frames::fire(void* frame) noexcept {
  auto& f = *static_cast<Frame*>(frame);
  {
    std::lock_guard lock(f.frames->mutex_);
    if (f.wait == Frame::Wait::kArming) {
      f.fired = true;
      return;
    }
    f.wait = Frame::Wait::kNone;
    f.timer = 0;
  }
  f.coroutine.resume();
}

// f is ours and waits for nothing. It goes on in a job of its own, since this may be any thread.
inline void Frames::wake(Frame& f) noexcept {
  for (;;) {
    Waiting armed = arm(f, 0, false);
    if (armed == Waiting::kYes) return;
    std::unique_lock lock(mutex_);
    if (armed == Waiting::kNo && !draining_) continue;  // it ran while it was being armed: once more
    lock.unlock();
    return f.coroutine.destroy();  // no lane to go on with: the call answers for itself
  }
}

inline void Frames::cancel(CallId call) noexcept {
  heddle_id timer = 0;
  Frame* f = nullptr;
  {
    std::lock_guard lock(mutex_);
    f = find(call);
    if (!f || f->cancelled) return;
    f->cancelled = true;
    if (f->wait == Frame::Wait::kRoom) {
      f->wait = Frame::Wait::kNone;
    } else if (f->timer != 0) {
      timer = std::exchange(f->timer, 0);
    } else {
      return;  // it runs, or is about to, and will see it
    }
  }
  if (timer == 0 || services.sched->cancel(host_, timer)) wake(*f);
}

inline void Frames::resume(CallId call) noexcept {
  Frame* f = nullptr;
  {
    std::lock_guard lock(mutex_);
    f = find(call);
    if (!f) return;
    if (f->wait != Frame::Wait::kRoom) {
      f->room = true;
      return;
    }
    f->wait = Frame::Wait::kNone;
  }
  while (!f->retry(f->awaiter)) {
    if (wait_for_room(*f) == Waiting::kYes) return;
    if (is_cancelled(*f)) break;
  }
  f->coroutine.resume();
}

inline void Frames::drain() noexcept {
  std::unique_lock lock(mutex_);
  draining_ = true;
  while (first_) {
    Frame* f = first_;
    while (f && f->wait != Frame::Wait::kRoom && f->timer == 0) f = f->next;
    if (!f) {
      changed_.wait(lock);  // those that are left run, or are about to
      continue;
    }
    heddle_id timer = std::exchange(f->timer, 0);
    bool ours = f->wait == Frame::Wait::kRoom;
    if (ours) f->wait = Frame::Wait::kNone;
    lock.unlock();
    if (ours || services.sched->cancel(host_, timer)) f->coroutine.destroy();
    lock.lock();
  }
}

}  // namespace heddle::sdk::detail
