// Errands: functions that a part of the host runs on a lane, now or later. When the part goes, none of them is left.
#pragma once
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>

#include "lanes/lanes.h"

namespace heddle {

class Errands {
 public:
  using Id = uint64_t;  // 0 is none

  // `lanes` outlives it.
  Errands(Lanes& lanes, LaneId lane);
  // Takes back what has not begun, and waits for what has. Not from inside an errand.
  ~Errands();
  Errands(const Errands&) = delete;
  Errands& operator=(const Errands&) = delete;

  // [any] Never runs it inline, so it may be called with locks held. It must not throw.
  void run(std::function<void()> function) { add(0, std::move(function)); }
  // [any] The same, at `when_ns` (CLOCK_MONOTONIC).
  Id at(uint64_t when_ns, std::function<void()> function) { return add(when_ns, std::move(function)); }
  // [any] True: it will not run.
  bool take_back(Id id);

 private:
  struct Errand;
  static void start(Job* job) noexcept;
  Id add(uint64_t when_ns, std::function<void()> function);
  bool take_back(Errand& errand);

  Lanes& lanes_;
  const LaneId lane_;
  std::mutex mutex_;
  std::condition_variable fewer_;
  // Guarded by mutex_:
  std::map<Id, std::unique_ptr<Errand>> waiting_;
  Id last_ = 0;
  size_t running_ = 0;
  bool closed_ = false;
};

}  // namespace heddle
