// The main thread while a run is going: signals, progress, the end.
#pragma once
#include <csignal>
#include <functional>

#include "cli/console.h"
#include "cli/progress.h"
#include "pipeline/run.h"

namespace heddle {

// SIGINT and SIGTERM as something that can be waited for. Made before the first thread starts, so that every thread inherits the mask. A
// signal that was ignored when the program started (nohup, a background job) stays ignored.
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  int fd() const { return fd_; }
  // The signal that came, or 0.
  int take();

 private:
  sigset_t waited_{}, before_{};
  int fd_ = -1;
};

enum class ProgressStyle : uint8_t { kNone, kBar, kLines };

struct Watch {
  ProgressStyle style = ProgressStyle::kNone;
  std::function<ProgressView()> view;  // with a style other than kNone: counts, bytes; the rest is filled in
  Console* console = nullptr;          // null: nothing is said
};

// Waits for the end of `run`. The first signal stops its input, a second one stops it at once. Answers the first signal, or 0.
int watch_run(Run& run, StopSignals& signals, const Watch& watch);

}  // namespace heddle
