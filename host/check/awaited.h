// Awaited: an answer that a check waits for.
#pragma once
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

namespace heddle {

// An answer that comes on any thread, perhaps after nobody waits for it any more.
template <class T>
class Awaited {
 public:
  std::function<void(T)> taker() const {
    return [state = state_](T answer) {
      std::lock_guard lock(state->mutex);
      state->answer = std::move(answer);
      state->told.notify_all();
    };
  }
  // Empty: it did not come in time.
  std::optional<T> wait(uint64_t limit_ms) const {
    std::unique_lock lock(state_->mutex);
    state_->told.wait_for(lock, std::chrono::milliseconds(limit_ms), [&] { return state_->answer.has_value(); });
    return std::move(state_->answer);
  }

 private:
  struct State {
    std::mutex mutex;
    std::condition_variable told;
    std::optional<T> answer;  // guarded by mutex
  };
  const std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace heddle
