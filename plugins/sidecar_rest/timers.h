// Timers: functions that the host runs on a lane after a time. Those that it has dropped when it destroys the object go with this.
#pragma once
#include <heddle/sdk/host.h>

#include <functional>
#include <list>
#include <mutex>

namespace sidecar_rest {

// Any thread.
class Timers {
 public:
  explicit Timers(const heddle_host* host) : host_(host) {}
  void after(uint64_t delay_ns, std::function<void()> then);

 private:
  struct One {
    Timers* all;
    std::function<void()> then;
    std::list<One>::iterator at;
  };
  std::function<void()> take(One& one);
  const heddle_host* const host_;
  std::mutex mutex_;
  std::list<One> waiting_;  // guarded by mutex_
};

}  // namespace sidecar_rest
