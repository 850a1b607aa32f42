// What is said when a plugin ends the process: a plugin that throws over the ABI or calls abort cannot be caught, but it can be named.
#pragma once
#include <type_traits>
#include <utility>

#include "lanes/held_wakes.h"

namespace heddle {

// Where a thread is while it is inside of a plugin. Both texts are ready to be written from a signal handler, and outlive the call.
struct PluginCall {
  const char* function = nullptr;  // "process"
  const char* subject = nullptr;   // `node "x" (Echo of plugin node_std)`; null: the thread is inside of no plugin
};

namespace last_words {

extern constinit thread_local PluginCall t_inside;

// [any] Calls into a plugin with the thread marked, and no wake held: the call may take long. Nothing here has a destructor: an exception that ends the process finds the mark.
template <class Call>
auto inside(const char* function, const char* subject, Call&& call) noexcept {
  held_wakes::end();
  const PluginCall outer = std::exchange(t_inside, PluginCall{function, subject});
  if constexpr (std::is_void_v<decltype(call())>) {
    call();
    t_inside = outer;
  } else {
    auto answer = call();
    t_inside = outer;
    return answer;
  }
}

// [setup] From here on, std::terminate and SIGABRT say on stderr which plugin was being called and what rule it broke; the process dies of
// SIGABRT all the same.
void install();

}  // namespace last_words
}  // namespace heddle
