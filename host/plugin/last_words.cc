#include "plugin/last_words.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <string>

#include "plugin/plugin_text.h"

namespace heddle::last_words {

constinit thread_local PluginCall t_inside;

namespace {

std::atomic<bool> said{false};

// Async-signal-safe. One write per line, so that lines of other threads do not come between.
class Line {
 public:
  Line& add(const char* text) {
    const size_t length = std::min(std::strlen(text), sizeof text_ - 1 - used_);
    std::memcpy(text_ + used_, text, length);
    used_ += length;
    return *this;
  }
  void write() {
    text_[used_++] = '\n';
    const ssize_t written = ::write(STDERR_FILENO, text_, used_);
    static_cast<void>(written);  // stderr is the last resort: where it fails there is nobody left to tell
  }

 private:
  char text_[2048];
  size_t used_ = 0;
};

void say(const char* deed, const char* rule) {
  if (said.exchange(true)) return;
  Line line;
  line.add("heddle: ");
  if (t_inside.subject)
    line.add(t_inside.subject).add(" ").add(deed).add(" in ").add(t_inside.function).add(": ").add(rule);
  else
    line.add("a thread that was not inside of a plugin's function ").add(deed).add(": a bug in heddle, or in a thread of a plugin's own");
  line.write();
}

void on_abort(int) {
  say("called abort", "a plugin must answer with a failure, it must not end the process");
  std::signal(SIGABRT, SIG_DFL);
  ::raise(SIGABRT);
}

constexpr char kNoThrow[] = "a plugin must not throw over the ABI";

// Looks at what was thrown by throwing it again: what is no std::exception ends in std::terminate, and so here, once more.
[[noreturn]] void on_terminate() noexcept {
  static constinit thread_local bool looked = false;
  const std::exception_ptr thrown = std::current_exception();
  if (thrown && std::exchange(looked, true)) {
    say("threw something that is no std::exception", kNoThrow);
  } else if (thrown) {
    try {
      std::rethrow_exception(thrown);
    } catch (const std::exception& e) {
      say(("threw an exception (" + plugin_text(std::string_view(e.what())) + ")").c_str(), kNoThrow);
    }
  } else {
    say("called std::terminate", "a plugin must answer with a failure, it must not end the process");
  }
  std::abort();
}

}  // namespace

void install() {
  std::set_terminate(on_terminate);
  struct sigaction action {};
  action.sa_handler = on_abort;
  sigemptyset(&action.sa_mask);
  ::sigaction(SIGABRT, &action, nullptr);
}

}  // namespace heddle::last_words
