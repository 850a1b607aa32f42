#include "plugin/start_call.h"

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "clock.h"

namespace heddle {
namespace {

// A unit of time that fits it.
std::string words_for(uint64_t ms) { return ms % 1'000 ? std::to_string(ms) + " ms" : std::to_string(ms / 1'000) + " s"; }

// Held by whoever can still come to it: its job, its alarm, the thread inside of the plugin, and the plugin until it answers.
class Start : public std::enable_shared_from_this<Start> {
 public:
  Start(Lanes& lanes, StartCall call) : lanes_(lanes), lane_(*lanes.find("default")), call_(std::move(call)) {
    alarm_.run = [](Job* job) noexcept { std::exchange(static_cast<Held*>(job)->start, nullptr)->on_late(); };
  }

  void post_begin() {
    post_job([](Job* job) noexcept { std::exchange(static_cast<Held*>(job)->start, nullptr)->begin(); });
  }

 private:
  struct Held : Job { std::shared_ptr<Start> start; };

  void post_job(void (*run)(Job*) noexcept) {
    job_.start = shared_from_this();
    job_.run = run;
    lanes_.post(lane_, &job_);
  }
  void post_tell() {
    post_job([](Job* job) noexcept { std::exchange(static_cast<Held*>(job)->start, nullptr)->tell(); });
  }

  void begin() {
    {
      std::lock_guard lock(mutex_);
      worker_ = Lanes::current_worker();
      alarm_.start = shared_from_this();
      timer_ = lanes_.alarm(now_ns() + call_.limit_ms * kNsPerMs, &alarm_);
    }
    call_.call([self = shared_from_this()](Result<void> outcome) { self->hear(std::move(outcome)); });
    {
      std::lock_guard lock(mutex_);
      returned_ = true;
      if (given_up_ || !outcome_) return;
    }
    tell();
  }

  void hear(Result<void> outcome) {
    {
      std::lock_guard lock(mutex_);
      if (given_up_) return;
      outcome_ = std::move(outcome);
      if (!returned_) return;
    }
    post_tell();  // perhaps this is a thread of the plugin: what follows is not its work
  }

  void on_late() {
    {
      std::lock_guard lock(mutex_);
      if (returned_ && outcome_) return;
      given_up_ = true;
      outcome_ = too_late(call_.name, returned_ ? "gave no answer" : "did not return", call_.limit_ms);
      if (!returned_) lanes_.abandon(worker_);
    }
    leave_behind(shared_from_this());
    call_.give_up();
    post_tell();
  }

  void tell() {
    if (lanes_.cancel(timer_)) alarm_.start.reset();
    if (!given_up_) call_.call = nullptr;  // else a thread may be inside of it
    call_.give_up = nullptr;
    const StartCall::Done done = std::exchange(call_.done, nullptr);
    done(*std::move(outcome_));
  }

  Lanes& lanes_;
  const LaneId lane_;
  StartCall call_;
  Held job_, alarm_;

  std::mutex mutex_;
  // Guarded by mutex_ until it has come back or was given up:
  bool returned_ = false, given_up_ = false;
  std::optional<Result<void>> outcome_;
  WorkerId worker_ = 0;
  TimerId timer_ = 0;
};

}  // namespace

Error too_late(std::string_view name, std::string_view what, uint64_t limit_ms) {
  return Error("timeout", "its " + std::string(name) + " " + std::string(what) + " within " + words_for(limit_ms));
}

void leave_behind(std::shared_ptr<void> remains) {
  static std::mutex mutex;
  static auto* const all = new std::vector<std::shared_ptr<void>>;  // guarded by mutex
  std::lock_guard lock(mutex);
  all->push_back(std::move(remains));
}

void post(Lanes& lanes, StartCall call) { std::make_shared<Start>(lanes, std::move(call))->post_begin(); }

}  // namespace heddle
