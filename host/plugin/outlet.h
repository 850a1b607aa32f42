// Outlet: the way to a transport's table, shared by the inbox, its exchanges and the calls of the host.
#pragma once
#include <heddle/transport.h>

#include <atomic>
#include <functional>
#include <string_view>

#include "lanes/held_wakes.h"

namespace heddle {

// Any thread; no lock is held during a call.
class Outlet {
 public:
  using Fault = std::function<void(std::string_view rule)>;
  explicit Outlet(Fault fault) : fault_(std::move(fault)) {}
  void open(const heddle_transport* table, void* self);
  // Waits for the calls that are under way; none follows.
  void close();
  // fn(table, self); false: closed.
  template <class Fn>
  bool call(Fn&& fn) {
    bool open = false;
    held_wakes::end();
    if (enter()) {
      fn(*table_, self_);
      open = true;
    }
    leave();
    return open;
  }
  // [any] Somebody broke a rule; a sentence without its subject.
  void fault(std::string_view rule) const { fault_(rule); }

 private:
  bool enter();
  void leave();
  const Fault fault_;
  const heddle_transport* table_ = nullptr;
  void* self_ = nullptr;
  std::atomic<uint32_t> calls_{0};  // under way; the highest bit: closed
};

}  // namespace heddle
