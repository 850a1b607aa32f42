#include "cli/console.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "value/json_value.h"
#include "log.h"

namespace heddle {
namespace {

constexpr std::string_view kEraseLine = "\r\033[K";

// stderr is the last resort: where it fails there is nobody left to tell.
void write_stderr(std::string_view text) { (void)write_all(STDERR_FILENO, text).has_value(); }

std::string as_line(std::string_view text) { return "heddle: " + log::redacted(text) + "\n"; }

}  // namespace

Result<void> write_all(int fd, std::string_view text, size_t* written) {
  if (written) *written = 0;
  while (!text.empty()) {
    ssize_t n = ::write(fd, text.data(), text.size());
    if (n >= 0) {
      text.remove_prefix(static_cast<size_t>(n));
      if (written) *written += static_cast<size_t>(n);
    } else if (errno == EAGAIN) {
      pollfd p{fd, POLLOUT, 0};
      ::poll(&p, 1, -1);
    } else if (errno != EINTR) {
      return Error(errno == EPIPE ? "closed-pipe" : "io", std::strerror(errno));
    }
  }
  return {};
}

bool print(std::string_view text) {
  Result<void> written = write_all(STDOUT_FILENO, text);
  if (!written) complain("cannot write standard output: " + written.error().message);
  return written.has_value();
}

void complain(std::string_view line) { write_stderr(as_line(line)); }

bool use_color(ColorMode mode, int fd) {
  if (mode != ColorMode::kAuto) return mode == ColorMode::kAlways;
  const char* no_color = ::getenv("NO_COLOR");
  if (no_color && *no_color) return false;
  const char* term = ::getenv("TERM");
  return ::isatty(fd) && term && std::strcmp(term, "dumb") != 0;
}

unsigned terminal_columns(int fd) {
  winsize size{};
  return ::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

Console::Console(bool json) {
  const auto plain = [](void* self, std::string_view text) { static_cast<Console*>(self)->raw(std::string(text) + "\n"); };
  const auto as_json = [](void* self, std::string_view text) {
    static_cast<Console*>(self)->raw(json_object({{"log", json_text(text)}}).json() + "\n");
  };
  log::set_sink(json ? static_cast<log::Sink>(as_json) : plain, this);
}

Console::~Console() {
  log::set_sink(nullptr, nullptr);
  status({});
}

void Console::line(std::string_view text) { write_above(as_line(text)); }

void Console::raw(std::string_view text) { write_above(text); }

void Console::write_above(std::string_view text) {
  std::lock_guard lock(mutex_);
  if (status_.empty()) return write_stderr(text);
  write_stderr(std::string(kEraseLine).append(text).append(status_));
}

void Console::status(std::string_view text) {
  std::lock_guard lock(mutex_);
  if (text.empty() && status_.empty()) return;
  status_ = text;
  write_stderr(std::string(kEraseLine).append(text));
}

}  // namespace heddle
