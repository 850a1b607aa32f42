// The signals that a daemon lives by, as something that can be waited for.
#pragma once
#include <csignal>

namespace heddle {

// SIGTERM, SIGINT and SIGHUP. Made before the first thread starts, so that every thread inherits the mask. One that was ignored when the program started (nohup) stays
// ignored.
class Signals {
 public:
  Signals();
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  // Readable when one came.
  int fd() const { return fd_; }
  // The signal that came, or 0.
  int take();

 private:
  sigset_t waited_{}, before_{};
  int fd_ = -1;
};

}  // namespace heddle
