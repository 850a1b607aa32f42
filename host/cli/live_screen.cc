#include "cli/live_screen.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "cli/console.h"
#include "clock.h"

namespace heddle {
namespace {

constexpr std::string_view kEnter = "\033[?1049h\033[?25l";
constexpr std::string_view kLeave = "\033[?25h\033[?1049l";

bool write_terminal(std::string_view text) { return write_all(STDOUT_FILENO, text).has_value(); }

}  // namespace

LiveScreen::LiveScreen() {
  sigemptyset(&waited_);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGWINCH, SIGTSTP}) sigaddset(&waited_, signal);
  ::pthread_sigmask(SIG_BLOCK, &waited_, &mask_before_);
  signals_ = ::signalfd(-1, &waited_, SFD_CLOEXEC | SFD_NONBLOCK);
  ::tcgetattr(STDIN_FILENO, &before_);
  enter();
}

LiveScreen::~LiveScreen() {
  leave();
  if (signals_ >= 0) ::close(signals_);
  ::pthread_sigmask(SIG_SETMASK, &mask_before_, nullptr);
}

void LiveScreen::enter() {
  termios keys = before_;
  keys.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
  ::tcsetattr(STDIN_FILENO, TCSANOW, &keys);
  (void)write_terminal(kEnter);
}

void LiveScreen::leave() const {
  (void)write_terminal(kLeave);
  ::tcsetattr(STDIN_FILENO, TCSANOW, &before_);
}

LiveScreen::Size LiveScreen::size() const {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) return {};
  return {size.ws_row, size.ws_col};
}

bool LiveScreen::draw(std::string_view text) const {
  // From the top left corner, each line erased as it is written: that does not flicker as an erased screen does.
  std::string out = "\033[H";
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    out.append("\033[K").append(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!text.empty()) out += '\n';
  }
  return write_terminal(out + "\033[J");
}

LiveScreen::Event LiveScreen::take_signal() {
  signalfd_siginfo info;
  if (::read(signals_, &info, sizeof info) != static_cast<ssize_t>(sizeof info)) return Event::kTime;
  const int signal = static_cast<int>(info.ssi_signo);
  if (signal == SIGWINCH) return Event::kResized;
  if (signal == SIGTSTP) {
    leave();
    ::raise(SIGSTOP);
    enter();
    return Event::kResized;
  }
  stop_ = signal;
  return Event::kStop;
}

LiveScreen::Event LiveScreen::wait(uint64_t until_ns) {
  for (;;) {
    const uint64_t now = now_ns();
    if (now >= until_ns) return Event::kTime;
    pollfd waits[] = {{STDIN_FILENO, POLLIN, 0}, {signals_, POLLIN, 0}};
    ::poll(waits, 2, static_cast<int>((until_ns - now) / kNsPerMs + 1));
    if (waits[1].revents) {
      if (const Event event = take_signal(); event != Event::kTime) return event;
    }
    if (!waits[0].revents) continue;
    if (::read(STDIN_FILENO, &key_, 1) == 1) return Event::kKey;
    stop_ = 0;
    return Event::kStop;
  }
}

}  // namespace heddle
