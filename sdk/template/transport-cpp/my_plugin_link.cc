#include "my_plugin_link.h"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>

namespace plugin {

using heddle::sdk::PollThread;

namespace {
constexpr size_t kMostAtOnce = size_t{1} << 20;  // read in a row from one peer: others wait
}

void Link::begin() {
  taken_ns_ = PollThread::now_ns();
  if (socket_) watch_ = thread_.watch(socket_.fd(), 0, [self = shared_from_this()](short events) { self->ready(events); });
  doing([] {});
}

void Link::reconnect(Socket socket) {
  thread_.forget(watch_);
  socket_ = std::move(socket);
  if (socket_) watch_ = thread_.watch(socket_.fd(), 0, [self = shared_from_this()](short events) { self->ready(events); });
}

void Link::close() {
  thread_.forget(watch_);
  thread_.forget(timer_);
  socket_.reset();
}

void Link::wait() {
  const short reads = !is_closed_ && !is_connecting() && listens() ? POLLIN : 0;
  thread_.change(watch_, static_cast<short>(reads | (has_unsent() || is_connecting() ? POLLOUT : 0)));
  if (due() == timer_ns_) return;
  thread_.forget(timer_);
  timer_ns_ = due();
  if (timer_ns_ == kNever) return;
  timer_ = thread_.at(timer_ns_, [self = shared_from_this()] {
    self->timer_ns_ = kNever;
    self->doing([&] {
      if (PollThread::now_ns() >= self->due()) self->late();
    });
  });
}

void Link::ready(short events) {
  doing([&] {
    if (is_connecting()) return connected();
    if (has_unsent() && (events & (POLLOUT | POLLERR | POLLHUP))) write();
    if (events & (POLLIN | POLLERR | POLLHUP)) read();
    tell_left();  // first: a peer that has all of it may close
    if (socket_ && (is_closed_ || !in_.empty())) came();
  });
}

void Link::read() {
  char block[65'536];
  for (size_t all = 0; all < kMostAtOnce;) {
    const ssize_t n = ::recv(socket_.fd(), block, sizeof block, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
    is_closed_ = n <= 0;
    if (is_closed_) return;
    in_.append({block, static_cast<size_t>(n)});
    all += static_cast<size_t>(n);
  }
}

void Link::send(std::string_view bytes) {
  if (!has_unsent()) taken_ns_ = PollThread::now_ns();
  out_.append(bytes);
  write();
  owes_left_ = true;
  // Never from in here: whoever sends has not finished.
  if (!has_unsent()) thread_.post([self = shared_from_this()] { self->doing([&] { self->tell_left(); }); });
}

void Link::tell_left() {
  if (socket_ && owes_left_ && !has_unsent() && !is_connecting()) {
    owes_left_ = false;
    left();
  }
}

void Link::write() {
  while (has_unsent() && !is_connecting()) {
    const ssize_t n = ::send(socket_.fd(), out_.data() + sent_, out_.size() - sent_, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
    if (n < 0) is_closed_ = true;
    if (n < 0) return;
    taken_ns_ = PollThread::now_ns();
    sent_ += static_cast<size_t>(n);
    sent_all_ += static_cast<size_t>(n);
  }
  if (has_unsent()) return;
  out_.clear();
  sent_ = 0;
}

}  // namespace plugin
