#include "serve/notify.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace heddle {
namespace {

std::string taken_from_environment(const char* name) {
  const char* value = std::getenv(name);
  std::string out = value ? value : "";
  ::unsetenv(name);
  return out;
}

uint64_t number_in(const std::string& text) {
  uint64_t out = 0;
  std::from_chars(text.data(), text.data() + text.size(), out);
  return out;
}

}  // namespace

Supervisor::Supervisor() : socket_(taken_from_environment("NOTIFY_SOCKET")) {
  const std::string every_us = taken_from_environment("WATCHDOG_USEC"), whose = taken_from_environment("WATCHDOG_PID");
  const bool ours = whose.empty() || number_in(whose) == static_cast<uint64_t>(::getpid());
  if (ours && !socket_.empty()) watchdog_every_ns_ = number_in(every_us) * 1'000 / 2;
}

void Supervisor::tell(std::string_view lines) const {
  sockaddr_un to{};
  if (socket_.empty() || socket_.size() > sizeof to.sun_path) return;
  to.sun_family = AF_UNIX;
  std::memcpy(to.sun_path, socket_.data(), socket_.size());
  if (socket_[0] == '@') to.sun_path[0] = '\0';
  const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return;
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_.size());
  static_cast<void>(::sendto(fd, lines.data(), lines.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&to), length));
  ::close(fd);
}

}  // namespace heddle
