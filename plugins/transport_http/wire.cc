#include "wire.h"

#include <openssl/err.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "clock.h"

namespace transport_http {
namespace {

constexpr size_t kOutBuffer = size_t{64} << 10;
constexpr size_t kMostHead = size_t{32} << 10;
constexpr size_t kMostLine = 8190;  // just under what the library refuses without saying why
constexpr uint64_t kFarewellMs = 1000;
constexpr size_t kFarewellBytes = size_t{1} << 20;

// RFC 9110, "token"
bool is_name_character(char c) {
  const auto u = static_cast<unsigned char>(c);
  return std::isalnum(u) != 0 || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

}  // namespace

bool Wire::secure(SSL_CTX* context) {
  const uint64_t until = in_ms(limits_.header_ms);
  tls_.reset(::SSL_new(context));
  if (!tls_ || ::SSL_set_fd(tls_.get(), socket_.get()) != 1) return false;
  for (;;) {
    ::ERR_clear_error();
    const int result = ::SSL_accept(tls_.get());
    if (result == 1) break;
    if (!wait_for_tls(result, until)) return false;
  }
  identity_ = subject_of(tls_.get());
  return true;
}

// True once the session can go on.
bool Wire::wait_for_tls(int result, uint64_t until_ns) {
  const int why = ::SSL_get_error(tls_.get(), result);
  if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) return false;
  pollfd p{socket_.get(), static_cast<short>(why == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT), 0};
  return poll_until(&p, 1, until_ns) > 0;
}

bool Wire::await_request(Bell& bell, const std::atomic<bool>& closing, uint64_t until_ns) {
  while (begin_ == end_ && !closing) {
    pollfd p[2] = {{bell.get(), POLLIN, 0}, {socket_.get(), POLLIN, 0}};
    if (poll_until(p, 2, until_ns) <= 0) return false;
    if (p[0].revents) bell.quiet();
    if (p[1].revents && !fill(until_ns)) return false;
  }
  head_until_ = in_ms(limits_.header_ms);
  request_until_ = in_ms(limits_.request_ms);
  head_bytes_ = line_bytes_ = lines_ = 0;
  before_ = 0;
  named_ = false;
  fault_ = 0;
  in_head_ = true;
  has_written_ = false;
  return !closing;
}

// > 0: so many bytes; 0: the peer ended; -1: broken; -2: not in time.
ssize_t Wire::receive(char* to, size_t size, uint64_t until_ns) {
  for (;;) {
    if (tls_) {
      ::ERR_clear_error();
      const int n = ::SSL_read(tls_.get(), to, static_cast<int>(size));
      if (n > 0) return n;
      if (::SSL_get_error(tls_.get(), n) == SSL_ERROR_ZERO_RETURN) return 0;
      if (wait_for_tls(n, until_ns)) continue;
      return now_ns() >= until_ns ? -2 : -1;
    }
    const ssize_t n = ::recv(socket_.get(), to, size, 0);
    if (n >= 0) return n;
    if (errno == EINTR) continue;
    if (errno != EAGAIN && errno != EWOULDBLOCK) return -1;
    pollfd p{socket_.get(), POLLIN, 0};
    if (poll_until(&p, 1, until_ns) <= 0) return -2;
  }
}

bool Wire::fill(uint64_t until_ns) {
  const ssize_t n = receive(in_, sizeof in_, until_ns);
  if (n <= 0) {
    if (n != -2) broken_ = true;
    return false;
  }
  begin_ = 0;
  end_ = static_cast<size_t>(n);
  return true;
}

ssize_t Wire::break_off(int fault) {
  if (fault_ == 0) fault_ = fault;
  return -1;
}

// False: the head is larger than it may be, or has what the library would pass over and another server perhaps would not: lines that end in a
// mere LF, control characters, headers without a name, names with spaces, folded lines.
bool Wire::judge_head(char c) {
  const char before = std::exchange(before_, c);
  int wrong = 0;
  if (c == '\n') {
    const bool blank = line_bytes_ == 1;
    if (before != '\r' || (lines_ > 0 && !blank && !named_)) wrong = 400;
    line_bytes_ = 0;
    named_ = false;
    ++lines_;
  } else if (before == '\r' || c == '\0' || (lines_ > 0 && !named_ && c != ':' && c != '\r' && !is_name_character(c)) ||
             (lines_ > 0 && c == ':' && line_bytes_ == 0)) {
    wrong = 400;
  } else {
    named_ = named_ || c == ':';
    if (++line_bytes_ > kMostLine) wrong = lines_ == 0 ? 414 : 431;
  }
  if (++head_bytes_ > kMostHead && wrong == 0) wrong = 431;
  if (wrong != 0) break_off(wrong);
  return wrong == 0;
}

ssize_t Wire::read(char* to, size_t size) {
  if (fault_ != 0 || broken_) return -1;
  if (begin_ == end_) {
    if (!flush()) return -1;  // "100 Continue" may lie there
    if (!fill(in_head_ ? head_until_ : request_until_)) return broken_ ? 0 : break_off(408);
  }
  const size_t n = std::min(size, end_ - begin_);
  for (size_t i = 0; in_head_ && i < n; ++i)
    if (!judge_head(in_[begin_ + i])) return -1;
  std::memcpy(to, in_ + begin_, n);
  begin_ += n;
  return static_cast<ssize_t>(n);
}

ssize_t Wire::write(const char* from, size_t size) {
  has_written_ = true;
  if (out_.size() + size > kOutBuffer && !flush()) return -1;
  if (size > kOutBuffer) return send_all(from, size) ? static_cast<ssize_t>(size) : -1;
  out_.append(from, size);
  return static_cast<ssize_t>(size);
}

bool Wire::flush() {
  if (broken_) return false;
  if (out_.empty()) return true;
  const bool sent = send_all(out_.data(), out_.size());
  out_.clear();
  return sent;
}

bool Wire::send_all(const char* from, size_t size) {
  while (size > 0 && !broken_) {
    ssize_t n;
    const uint64_t until = in_ms(limits_.stall_ms);
    if (tls_) {
      ::ERR_clear_error();
      n = ::SSL_write(tls_.get(), from, static_cast<int>(std::min(size, kOutBuffer)));
      if (n <= 0 && wait_for_tls(static_cast<int>(n), until)) continue;
    } else {
      n = ::send(socket_.get(), from, size, MSG_NOSIGNAL);
      pollfd p{socket_.get(), POLLOUT, 0};
      if (n < 0 && (errno == EINTR || ((errno == EAGAIN || errno == EWOULDBLOCK) && poll_until(&p, 1, until) > 0))) continue;
    }
    if (n <= 0) {
      broken_ = true;
      break;
    }
    from += n;
    size -= static_cast<size_t>(n);
  }
  return !broken_;
}

Wire::News Wire::await(Bell& bell, uint64_t until_ns) {
  pollfd p[2] = {{bell.get(), POLLIN, 0}, {socket_.get(), POLLRDHUP, 0}};
  if (poll_until(p, 2, until_ns) <= 0) return News::kLate;
  if (p[0].revents) {
    bell.quiet();
    return News::kBell;
  }
  broken_ = true;
  return News::kGone;
}

bool Wire::has_unread() const {
  char c;
  return begin_ < end_ || ::recv(socket_.get(), &c, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

void Wire::hang_up() {
  if (broken_ || !flush()) return;
  if (tls_) ::SSL_shutdown(tls_.get());
  ::shutdown(socket_.get(), SHUT_WR);
  const uint64_t until = in_ms(kFarewellMs);
  for (size_t taken = 0; taken < kFarewellBytes;) {
    pollfd p{socket_.get(), POLLIN, 0};
    if (poll_until(&p, 1, until) <= 0) return;
    const ssize_t n = ::recv(socket_.get(), in_, sizeof in_, 0);
    if (n <= 0) return;
    taken += static_cast<size_t>(n);
  }
}

void Wire::cut() { ::shutdown(socket_.get(), SHUT_RDWR); }

}  // namespace transport_http
