// What the reading nodes share: a reader's values go out until its end, a failure, a cancel, or no room; after the last it goes on where it
// was.
#pragma once
#include <heddle/sdk.h>

#include <mutex>
#include <new>
#include <optional>
#include <utility>

namespace node_file {

constexpr uint32_t kOut = 0, kBad = 1;  // the ports of every source

struct Emission {
  uint32_t port = kOut;
  heddle::sdk::Value value;
};

// Reader: a constructor from Config; open(), close(); bool next(Emission&), false at the end. All may throw Error.
template <class Reader>
class Source {
 public:
  explicit Source(const heddle::sdk::Config& config) : reader_(config) {}

  // The file is opened before the run starts, so that a wrong path fails the start and not the middle.
  void activate() { reader_.open(); }
  void deactivate() { reader_.close(); }

  void process(heddle::sdk::Call& call) {
    {
      std::lock_guard lock(mutex_);
      waiting_ = room_ = cancelled_ = false;
    }
    pending_.reset();
    call_ = std::move(call);
    pump();
  }

  void resume(heddle::sdk::CallId, uint32_t) {
    if (wake(room_)) pump();
  }

  void cancel(heddle::sdk::CallId) {
    if (wake(cancelled_)) pump();
  }

 private:
  // Sets the flag; true: the source waits, and the caller is to go on with it.
  bool wake(bool& flag) {
    std::lock_guard lock(mutex_);
    flag = true;
    return std::exchange(waiting_, false);
  }

  // True: wait. False: room came, or a cancel, since the emit was refused.
  bool must_wait() {
    std::lock_guard lock(mutex_);
    if (std::exchange(room_, false) || cancelled_) return false;
    return waiting_ = true;
  }

  // One thread at a time. Once the call is answered, or `waiting_` is set, this object may be gone or in another thread's hands.
  void pump() noexcept {
    try {
      for (;;) {
        if (call_.is_cancelled()) return answer(HEDDLE_CANCELLED, "cancelled");
        if (!pending_) {
          pending_.emplace();
          if (!reader_.next(*pending_)) return answer(HEDDLE_OK, {});
        }
        if (call_.try_emit(pending_->port, pending_->value))
          pending_.reset();
        else if (must_wait())
          return;
      }
    } catch (const heddle::sdk::Error& failed) {
      answer(failed.status(), failed.what());
    } catch (const std::bad_alloc&) {
      answer(HEDDLE_EXHAUSTED, "out of memory");
    }
  }

  void answer(heddle_status status, std::string_view why) noexcept {
    pending_.reset();
    heddle::sdk::Call call = std::move(call_);
    if (status == HEDDLE_OK)
      call.complete();
    else
      call.fail(status, why);
  }

  Reader reader_;
  heddle::sdk::Call call_{nullptr};
  std::optional<Emission> pending_;  // read, and not yet taken by the host

  std::mutex mutex_;
  bool waiting_ = false;  // for resume or cancel
  bool room_ = false;     // resume came before the refused emit was put down as waiting
  bool cancelled_ = false;
};

}  // namespace node_file
