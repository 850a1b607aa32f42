// StartCall: one activate or deactivate of a plugin's object, made on a worker and bounded in time. No thread waits for it.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "lanes/lanes.h"
#include "result.h"

namespace heddle {

// What has not come back after this time has failed.
inline constexpr uint64_t kStartMs = 120'000;

struct StartCall {
  using Done = std::function<void(Result<void>)>;
  const char* name = "activate";            // for messages
  uint64_t limit_ms = kStartMs;
  std::function<void(Done)> call = {};      // into the plugin: may block, and is answered once, on any thread
  // It has not come back in time: the object must not be touched any more, for a thread may be inside of it for good. On the timers' thread, before `done`.
  std::function<void()> give_up = {};
  Done done = {};                           // once, on a worker: its answer, or "timeout"
};

// [any] Makes the call on the lane "default". It has come back once it has returned and was answered, in whatever order. The worker of one that does not return in time is given up:
// another one takes its place.
void post(Lanes& lanes, StartCall call);

// The error of one that was too late: "its activate gave no answer within 120 s".
Error too_late(std::string_view name, std::string_view what, uint64_t limit_ms);
// [any] Keeps for as long as the process lives what a plugin may still come back to.
void leave_behind(std::shared_ptr<void> remains);

}  // namespace heddle
