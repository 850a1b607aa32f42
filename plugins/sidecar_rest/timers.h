// Timers: functions that are run on a lane of the host after a time, however many there are: the host is asked for one timer only. Those that are left go with this.
#pragma once
#include <heddle/sdk/host.h>

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>

namespace sidecar_rest {

// Any thread. The host drops what it was asked for when it destroys the object that this is a part of.
class Timers {
 public:
  explicit Timers(const heddle_host* host) : host_(host) {}
  void after(uint64_t delay_ns, std::function<void()> then);

 private:
  void arm();  // with the lock held
  void run();
  const heddle_host* const host_;
  std::mutex mutex_;
  // Guarded by mutex_:
  std::multimap<uint64_t, std::function<void()>> waiting_;  // by when they are due
  uint64_t armed_ns_ = UINT64_MAX;                          // when the host calls
  heddle_id timer_ = 0;
};

}  // namespace sidecar_rest
