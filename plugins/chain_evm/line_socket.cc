#include "line_socket.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace chain_evm {
namespace {

// The other side ended a connection before it answered: it may have been restarted since the last time.
class Ended : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

[[noreturn]] void fail(const std::string& why) { throw std::runtime_error(why); }
[[noreturn]] void fail_system(const char* what) { fail(std::string(what) + ": " + std::strerror(errno)); }

}  // namespace

std::string LineSocket::ask(std::string_view line, Clock::time_point until) {
  const std::string text = std::string(line) + "\n";
  const bool is_old = fd_ >= 0;
  try {
    try {
      return exchange(text, until);
    } catch (const Ended&) {
      if (!is_old) throw;
      close();
      return exchange(text, until);
    }
  } catch (const std::runtime_error&) {
    close();
    throw;
  }
}

std::string LineSocket::exchange(std::string_view text, Clock::time_point until) {
  if (fd_ < 0) open();
  send(text, until);
  return receive(until);
}

void LineSocket::open() {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path_.size() >= sizeof address.sun_path) fail("its path has more than " + std::to_string(sizeof address.sun_path - 1) + " bytes");
  std::copy(path_.begin(), path_.end(), address.sun_path);
  fd_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd_ < 0) fail_system("no socket can be made");
  // A Unix socket is connected at once, or not at all.
  if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) fail_system("it cannot be reached");
}

void LineSocket::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

void LineSocket::wait(short events, Clock::time_point until) {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
    if (left <= 0) fail("it does not answer in time");
    pollfd both[] = {{fd_, events, 0}, {stop_fd_, POLLIN, 0}};  // a negative descriptor is passed over
    const int ready = ::poll(both, 2, static_cast<int>(std::min<long long>(left, 1 << 30)));
    if (ready < 0 && errno != EINTR) fail_system("poll");
    if (both[1].revents != 0) fail("nobody wants its answer any more");
    if (ready > 0) return;
  }
}

void LineSocket::send(std::string_view text, Clock::time_point until) {
  while (!text.empty()) {
    const ssize_t n = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
    if (n > 0) {
      text.remove_prefix(static_cast<size_t>(n));
    } else if (n < 0 && errno == EAGAIN) {
      wait(POLLOUT, until);
    } else if (n < 0 && errno != EINTR) {
      if (errno == EPIPE || errno == ECONNRESET) throw Ended("it ends the connection");
      fail_system("it cannot be written to");
    }
  }
}

std::string LineSocket::receive(Clock::time_point until) {
  std::string line;
  char room[4096];
  for (;;) {
    wait(POLLIN, until);
    const ssize_t n = ::recv(fd_, room, sizeof room, 0);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (n < 0 && errno != ECONNRESET) fail_system("it cannot be read from");
    if (n <= 0) {
      if (line.empty()) throw Ended("it ends the connection without an answer");
      fail("it ends the connection in the middle of an answer");
    }
    line.append(room, static_cast<size_t>(n));
    const size_t end = line.find('\n');
    if (end != line.npos && end + 1 != line.size()) fail("it says more than it was asked");
    if (end != line.npos) {
      line.pop_back();
      return line;
    }
    if (line.size() > kMostLine) fail("its answer has more than 65536 bytes");
  }
}

}  // namespace chain_evm
