#include "cli/console.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "cli/time_text.h"
#include "clock.h"
#include "log.h"
#include "value/json_value.h"

namespace heddle {
namespace {

constexpr std::string_view kEraseLine = "\r\033[K";

// stderr is the last resort: where it fails there is nobody left to tell.
void write_stderr(std::string_view text) { (void)write_all(STDERR_FILENO, text).has_value(); }

std::string json_line(const log::Line& line) {
  std::vector<std::pair<std::string, Value>> members = {{"time", json_text(utc_time(wall_ms()))}, {"level", json_text(log::name_of(line.level))}};
  if (!line.who.empty()) members.emplace_back("who", json_text(line.who));
  members.emplace_back("message", json_text(line.message));
  return json_object(std::move(members)).json() + "\n";
}

// systemd says in JOURNAL_STREAM which stream its journal reads.
bool is_journal(int fd) {
  const char* const stream = ::getenv("JOURNAL_STREAM");
  struct stat s{};
  return stream && ::fstat(fd, &s) == 0 && stream == std::to_string(s.st_dev) + ":" + std::to_string(s.st_ino);
}

// Every line of the message with its priority (sd-daemon(3)); who writes it and that it is a warning the journal says by itself.
std::string journal_lines(const log::Line& line) {
  const char* const priority = line.level == log::Level::kDebug ? "<7>" : line.level == log::Level::kInfo ? "<6>" : line.level == log::Level::kWarn ? "<4>" : "<3>";
  const std::string text = line.who.empty() ? std::string(line.message) : std::string(line.who) + ": " + std::string(line.message);
  std::string out;
  for (size_t at = 0; at <= text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    out.append(priority).append(text, at, end - at).append("\n");
    at = end + 1;
  }
  return out;
}

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
  const auto plain = [](void* self, const log::Line& line) { static_cast<Console*>(self)->raw(log::text_of(line) + "\n"); };
  const auto for_journal = [](void* self, const log::Line& line) { static_cast<Console*>(self)->raw(journal_lines(line)); };
  const auto as_json = [](void* self, const log::Line& line) { static_cast<Console*>(self)->raw(json_line(line)); };
  log::set_sink(json ? static_cast<log::Sink>(as_json) : is_journal(STDERR_FILENO) ? for_journal : plain, this);
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
