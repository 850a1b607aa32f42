// What a plugin may not touch because it belongs to the whole process: floating-point mode, signal handlers and mask, locale, umask,
// working directory.
#pragma once
#include <signal.h>
#include <sys/stat.h>

#include <array>
#include <cstdint>
#include <string>

namespace heddle {

class ProcessState {
 public:
  // Takes a picture of the process and of this thread.
  ProcessState();
  ~ProcessState();
  ProcessState(const ProcessState&) = delete;
  ProcessState& operator=(const ProcessState&) = delete;

  // Puts back what has changed since the picture was taken, where that is possible, and names it: "the umask, the locale". Empty: nothing
  // has.
  std::string restore() const;

 private:
  static constexpr int kSignals = 31;  // the standard ones, from 1

  uint64_t float_mode_;
  std::array<struct sigaction, kSignals> actions_{};
  sigset_t mask_;
  std::string locale_;
  mode_t umask_;
  int directory_;  // a descriptor of the working directory; -1: it cannot be opened
};

}  // namespace heddle
