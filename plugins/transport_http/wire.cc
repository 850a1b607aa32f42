#include "wire.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "clock.h"

namespace transport_http {
namespace {

constexpr size_t kOutBuffer = size_t{64} << 10;
constexpr uint64_t kFarewellMs = 1000;
constexpr size_t kFarewellBytes = size_t{1} << 20;

}  // namespace

bool Wire::secure(SSL_CTX* context) {
  const uint64_t until = in_ms(limits_.header_ms);
  if (!socket_.begin_tls(context)) return false;
  for (Transfer done = socket_.handshake(true); done.n <= 0; done = socket_.handshake(true))
    if (!wait(done, until)) return false;
  identity_ = subject_of(socket_.tls());
  return true;
}

// True once it can go on.
bool Wire::wait(const Transfer& transfer, uint64_t until_ns) {
  pollfd p{socket_.get(), transfer.wait, 0};
  return transfer.wait != 0 && poll_until(&p, 1, until_ns) > 0;
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
  rules_ = {};
  fault_ = 0;
  in_head_ = true;
  has_written_ = false;
  return !closing;
}

// > 0: so many bytes; 0: the peer ended; -1: broken; -2: not in time.
ssize_t Wire::receive(char* to, size_t size, uint64_t until_ns) {
  for (;;) {
    const Transfer done = socket_.receive(to, size);
    if (done.wait == 0) return done.n;
    if (!wait(done, until_ns)) return -2;
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

ssize_t Wire::read(char* to, size_t size) {
  if (fault_ != 0 || broken_) return -1;
  if (begin_ == end_) {
    if (!flush()) return -1;  // "100 Continue" may lie there
    if (!fill(in_head_ ? head_until_ : request_until_)) return broken_ ? 0 : break_off(408);
  }
  const size_t n = std::min(size, end_ - begin_);
  for (size_t i = 0; in_head_ && i < n; ++i)
    if (const int wrong = rules_.take(in_[begin_ + i])) return break_off(wrong);
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
    const Transfer done = socket_.send(from, std::min(size, kOutBuffer));
    if (done.n <= 0) {
      broken_ = !wait(done, in_ms(limits_.stall_ms));
      continue;
    }
    from += done.n;
    size -= static_cast<size_t>(done.n);
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
  socket_.end_sending();
  const uint64_t until = in_ms(kFarewellMs);
  for (size_t taken = 0; taken < kFarewellBytes;) {
    pollfd p{socket_.get(), POLLIN, 0};
    if (poll_until(&p, 1, until) <= 0) return;
    const ssize_t n = ::recv(socket_.get(), in_, sizeof in_, 0);
    if (n <= 0) return;
    taken += static_cast<size_t>(n);
  }
}

void Wire::cut() { socket_.cut(); }

}  // namespace transport_http
