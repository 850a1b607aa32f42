// Strand: functions that run on a lane one after the other, in the order in which they were given: what they share needs no lock.
#pragma once
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>

#include "lanes/errands.h"

namespace heddle {

class Strand {
 public:
  // `lanes` outlives it.
  Strand(Lanes& lanes, LaneId lane) : errands_(lanes, lane) {}
  // close()
  ~Strand() { close(); }
  Strand(const Strand&) = delete;
  Strand& operator=(const Strand&) = delete;

  // [any] Never runs it inline. After close() it is dropped.
  void run(std::function<void()> function);
  // [any] The same, not before `when_ns` (CLOCK_MONOTONIC).
  void at(uint64_t when_ns, std::function<void()> function);
  // [setup] Drops what has not begun, and waits for what has. Not from inside one of them.
  void close();

 private:
  void drain();

  std::mutex mutex_;
  std::condition_variable idle_;
  // Guarded by mutex_:
  std::deque<std::function<void()>> waiting_;
  bool running_ = false;  // somebody drains, or is about to
  bool inside_ = false;   // of a function
  bool closed_ = false;
  Errands errands_;  // last: what it runs is waited for first
};

}  // namespace heddle
