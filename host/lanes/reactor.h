// Timers and descriptor readiness, turned into posts of jobs. One thread, started by the first use, which runs no job itself but alarms.
#pragma once
#include <functional>
#include <memory>

#include "lanes/lanes.h"

namespace heddle {

class Reactor {
 public:
  // Must be callable from any thread, until close() has returned, and must not call the reactor.
  using Post = std::function<void(LaneId, Job*)>;

  explicit Reactor(Post post);
  ~Reactor();
  Reactor(const Reactor&) = delete;
  Reactor& operator=(const Reactor&) = delete;

  // As a lane: the job runs on the reactor's own thread.
  static constexpr LaneId kAlarm = UINT32_MAX;

  // [any] As in Lanes. After close() nothing is accepted: 0, false, an error.
  TimerId at(uint64_t when_ns, LaneId lane, Job* job);
  bool cancel(TimerId timer);
  Result<void> when_readable(int fd, LaneId lane, Job* job);

  // Ends the thread; what still waits is dropped and never posted.
  void close();

 private:
  struct Loop;
  Post post_;
  std::unique_ptr<Loop> loop_;
};

}  // namespace heddle
