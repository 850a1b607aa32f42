#include "farewells.h"

#include <sys/socket.h>

#include "clock.h"
#include "failure.h"

namespace transport_http {
namespace {

constexpr size_t kMost = 64;
constexpr uint64_t kPatienceMs = 1000;

// True: the peer has closed, too, or is gone.
bool has_ended(int socket) {
  char unread[4096];
  const ssize_t n = ::recv(socket, unread, sizeof unread, MSG_DONTWAIT);
  return n == 0 || (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

}  // namespace

void Farewells::say(Descriptor socket, bool plain) {
  if (!plain) return;
  const std::string text = whole_answer(refusal(503, "too many connections"));
  const ssize_t sent = ::send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);  // a new socket has room for it
  ::shutdown(socket.get(), SHUT_WR);
  if (sent > 0 && waiting_.size() < kMost) waiting_.push_back({std::move(socket), in_ms(kPatienceMs)});
}

void Farewells::append(std::vector<pollfd>& polled) const {
  for (const Waiting& w : waiting_) polled.push_back({w.socket.get(), POLLIN, 0});
}

void Farewells::look(const pollfd* polled) {
  const uint64_t now = now_ns();
  size_t kept = 0;
  for (size_t i = 0; i < waiting_.size(); ++i) {
    if (now >= waiting_[i].until_ns || (polled[i].revents && has_ended(waiting_[i].socket.get()))) continue;
    if (kept != i) waiting_[kept] = std::move(waiting_[i]);
    ++kept;
  }
  waiting_.resize(kept);
}

uint64_t Farewells::next_ns() const { return waiting_.empty() ? kNever : waiting_.front().until_ns; }

}  // namespace transport_http
