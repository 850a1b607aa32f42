// OneAtATime: a function that several threads want done, and that is done by one of them at a time: who comes meanwhile leaves it to that one, and does not wait.
#pragma once
#include <atomic>
#include <cstdint>

namespace heddle {

class OneAtATime {
 public:
  // `fn` runs at least once after this was called, here or on the thread that runs it already. What one run wrote, the next one sees.
  template <class Fn>
  void run(Fn&& fn) {
    if (asked_.fetch_add(1) != 0) return;
    for (uint32_t seen = 1; seen != 0;) {
      seen = asked_.load();
      fn();
      seen = asked_.fetch_sub(seen) - seen;
    }
  }

 private:
  std::atomic<uint32_t> asked_{0};
};

}  // namespace heddle
