// SPDX-License-Identifier: Apache-2.0
//
// Async: a coroutine over one call, for types with a "max_in_flight" of at least 1.
//
//   Async process(Call call) {
//     co_await sleep(std::chrono::milliseconds(20));
//     co_await emit(call, call.take());
//     call.complete();
//   }
//
// It holds no thread while it waits, and goes on as [lane]. When the host cancels the call, or the node ends, its wait is cut short and
// throws Error(HEDDLE_CANCELLED), as does every later one: let it unwind, and the call is answered, or catch it and answer yourself.
#pragma once
#include <chrono>
#include <coroutine>
#include <exception>

#include "frames.h"

namespace heddle::sdk {

// What a coroutine returns. The frame frees itself at its end.
class Async {
 public:
  struct promise_type;
  using Handle = std::coroutine_handle<promise_type>;

  explicit Async(Handle h) noexcept : handle_(h) {}
  Async(Async&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  ~Async() {
    if (handle_) handle_.destroy();
  }
  // For the thunk: runs the coroutine up to its first wait, as one of `frames`.
  void start(detail::Frames& frames) && noexcept;

 private:
  Handle handle_;
};

struct Async::promise_type {
  template <class... Args>
  explicit promise_type(Args&... args) noexcept : call(find_call(args...)) {
    frame.call = call->id();
    frame.coroutine = Handle::from_promise(*this);
  }
  promise_type(const promise_type&) = delete;
  ~promise_type() {
    if (frame.frames) frame.frames->unlink(frame);
  }

  Async get_return_object() noexcept { return Async(Handle::from_promise(*this)); }
  std::suspend_always initial_suspend() noexcept { return {}; }
  std::suspend_never final_suspend() noexcept { return {}; }
  void return_void() noexcept {}
  void unhandled_exception() noexcept {
    detail::guard([] { throw; },
                  [this](heddle_status status, std::string_view why) {
                    if (*call) call->fail(status, why);
                  });
  }

  Call* call;  // the coroutine's parameter, in its frame
  detail::Frame frame;

 private:
  template <class First, class... Rest>
  static Call* find_call(First& first, Rest&... rest) noexcept {
    if constexpr (std::is_same_v<First, Call>) {
      return &first;
    } else {
      static_assert(sizeof...(Rest) > 0, "a coroutine that returns Async takes a Call by value");
      return find_call(rest...);
    }
  }
};

inline void Async::start(detail::Frames& frames) && noexcept {
  Handle h = std::exchange(handle_, {});
  frames.link(h.promise().frame);
  h.resume();
}

namespace detail {

// Neither await_suspend is inlined: once the wait has begun another thread may run and free the coroutine, and an inlined body may keep its
// locals in the coroutine's frame.
class SleepAwaiter {
 public:
  explicit SleepAwaiter(uint64_t delay_ns) noexcept : delay_ns_(delay_ns) {}
  bool await_ready() const noexcept { return false; }
  [[gnu::noinline]] bool await_suspend(Async::Handle h) noexcept {
    frame_ = &h.promise().frame;
    Frames::Waiting waiting = frame_->frames->wait_for(*frame_, delay_ns_);
    if (waiting == Frames::Waiting::kYes) return true;
    failed_ = waiting == Frames::Waiting::kFailed;
    return false;
  }
  void await_resume() const {
    if (failed_) throw Error(HEDDLE_EXHAUSTED, "the scheduler took no timer");
    if (frame_->frames->is_cancelled(*frame_)) throw Error(HEDDLE_CANCELLED, "cancelled");
  }

 private:
  uint64_t delay_ns_;
  Frame* frame_ = nullptr;
  bool failed_ = false;
};

class EmitAwaiter {
 public:
  EmitAwaiter(Call& call, uint32_t port, Value v) noexcept : call_(call), port_(port), value_(std::move(v)) {}
  bool await_ready() { return sent_ = call_.try_emit(port_, value_); }
  [[gnu::noinline]] bool await_suspend(Async::Handle h) noexcept {
    Frame& frame = h.promise().frame;
    frame.retry = &retry;
    frame.awaiter = this;
    Frames& frames = *frame.frames;
    while (frames.wait_for_room(frame) == Frames::Waiting::kNo) {
      if (frames.is_cancelled(frame) || retry(this)) return false;
    }
    return true;
  }
  void await_resume() const {
    if (error_) std::rethrow_exception(error_);
    if (!sent_) throw Error(HEDDLE_CANCELLED, "cancelled");
  }

 private:
  static bool retry(void* awaiter) noexcept {
    auto& self = *static_cast<EmitAwaiter*>(awaiter);
    try {
      return self.sent_ = self.call_.try_emit(self.port_, self.value_);
    } catch (...) {
      self.error_ = std::current_exception();
      return true;
    }
  }

  Call& call_;
  uint32_t port_;
  Value value_;
  bool sent_ = false;
  std::exception_ptr error_;
};

}  // namespace detail

// Waits at least so long.
inline detail::SleepAwaiter sleep(std::chrono::nanoseconds time) noexcept {
  return detail::SleepAwaiter(time.count() > 0 ? static_cast<uint64_t>(time.count()) : 0);
}
// Lets others have the thread, and goes on in a job of its own.
inline detail::SleepAwaiter next_job() noexcept { return detail::SleepAwaiter(0); }
// Sends v out of a port, and waits while there is no room.
inline detail::EmitAwaiter emit(Call& call, uint32_t port, Value v) noexcept { return {call, port, std::move(v)}; }
inline detail::EmitAwaiter emit(Call& call, Value v) noexcept { return {call, 0, std::move(v)}; }

}  // namespace heddle::sdk
