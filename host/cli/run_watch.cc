#include "cli/run_watch.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "clock.h"

namespace heddle {
namespace {

constexpr uint64_t kBarEveryNs = 100 * kNsPerMs;
constexpr uint64_t kLineEveryNs = 5 * kNsPerSecond;

// Redraws when it is due, and says how long until the next time.
class Ticker {
 public:
  Ticker(Run& run, const Watch& watch) : run_(run), watch_(watch), started_ns_(now_ns()), next_ns_(started_ns_ + interval()) {}

  int timeout_ms() const {
    if (watch_.style == ProgressStyle::kNone || !watch_.console) return -1;
    uint64_t now = now_ns();
    return now >= next_ns_ ? 0 : static_cast<int>((next_ns_ - now) / kNsPerMs + 1);
  }

  void tick() {
    uint64_t now = now_ns();
    if (timeout_ms() < 0 || now < next_ns_) return;
    next_ns_ = now + interval();
    ProgressView view = watch_.view();
    view.counts = run_.progress();
    view.elapsed_ns = now - started_ns_;
    view.items_per_second = rate_.update(view.counts.input_items, now);
    if (watch_.style == ProgressStyle::kBar)
      watch_.console->status(progress_bar(view, terminal_columns(STDERR_FILENO) - 1));
    else
      watch_.console->line(progress_line(view));
  }

 private:
  uint64_t interval() const { return watch_.style == ProgressStyle::kBar ? kBarEveryNs : kLineEveryNs; }

  Run& run_;
  const Watch& watch_;
  CounterRate rate_;
  const uint64_t started_ns_;
  uint64_t next_ns_;
};

}  // namespace

StopSignals::StopSignals() {
  sigemptyset(&waited_);
  for (int signal : {SIGINT, SIGTERM}) {
    struct sigaction action {};
    if (::sigaction(signal, nullptr, &action) == 0 && action.sa_handler != SIG_IGN) sigaddset(&waited_, signal);
  }
  ::pthread_sigmask(SIG_BLOCK, &waited_, &before_);
  fd_ = ::signalfd(-1, &waited_, SFD_CLOEXEC | SFD_NONBLOCK);
}

StopSignals::~StopSignals() {
  if (fd_ >= 0) ::close(fd_);
  ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

int StopSignals::take() {
  signalfd_siginfo info;
  return ::read(fd_, &info, sizeof info) == static_cast<ssize_t>(sizeof info) ? static_cast<int>(info.ssi_signo) : 0;
}

int watch_run(Run& run, StopSignals& signals, const Watch& watch) {
  int first = 0;
  Ticker ticker(run, watch);
  pollfd waits[] = {{run.end_fd(), POLLIN, 0}, {signals.fd(), POLLIN, 0}};
  while (!run.wait(0)) {
    ::poll(waits, 2, ticker.timeout_ms());
    if (int signal = signals.take()) {
      run.stop(first != 0);
      if (watch.console) {
        watch.console->line(first ? "stopping now: what is still inside is counted as dropped"
                                  : "stopping: no more input is taken, what is inside is finished (once more: stop now)");
      }
      if (!first) first = signal;
    }
    ticker.tick();
  }
  if (watch.console) watch.console->status({});
  return first;
}

}  // namespace heddle
