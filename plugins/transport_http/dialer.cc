#include "dialer.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace transport_http {
namespace {

// A connection to one address: `error` is 0, or why there is none; `news` says that the time is over.
Descriptor connect_to(const addrinfo& address, const Patience& patience, int& error, Patience::News& news) {
  news = Patience::News::kReady;
  Descriptor socket(::socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  error = socket && ::connect(socket.get(), address.ai_addr, address.ai_addrlen) == 0 ? 0 : errno;
  if (socket && (error == EINPROGRESS || error == EINTR)) {
    news = patience.wait(socket.get(), POLLOUT);
    socklen_t size = sizeof error;
    if (news == Patience::News::kReady && ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  }
  const int yes = 1;
  if (socket) ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  return socket;
}

size_t count(const addrinfo* list) {
  size_t n = 0;
  for (; list; list = list->ai_next) ++n;
  return n;
}

}  // namespace

Failure Dialer::unreachable(const std::string& why) const { return trouble("unreachable", "cannot reach " + peer_.origin.endpoint() + ": " + why); }

Failure Dialer::ended(Patience::News news, const Patience& patience) const {
  if (news == Patience::News::kGivenUp) return trouble("cancelled", "the call was given up");
  if (now_ns() >= patience.until_ns) return trouble("deadline", "the deadline passed while " + peer_.origin.endpoint() + " was not reached yet");
  return unreachable("there is no connection within " + std::to_string(peer_.connect_ms) + " ms");
}

Dialled Dialer::dial(const Patience& patience) {
  const Patience limited = patience.until(in_ms(peer_.connect_ms));
  Patience::News news;
  const auto found = resolver_.resolve(limited, news);
  if (!found) return {nullptr, ended(news, patience)};
  if (!found->addresses) return {nullptr, unreachable(found->why)};

  std::string why;
  size_t left = count(found->addresses.get());
  for (const addrinfo* address = found->addresses.get(); address; address = address->ai_next, --left) {
    // Each gets its share of the time, so that one that is silent leaves some to the others.
    const uint64_t now = now_ns();
    const Patience share = limited.until(limited.until_ns > now ? now + (limited.until_ns - now) / left : now);
    int error = 0;
    Descriptor connected = connect_to(*address, share, error, news);
    if (news == Patience::News::kGivenUp || (news == Patience::News::kLate && left == 1)) return {nullptr, ended(news, patience)};
    if (news == Patience::News::kLate) error = ETIMEDOUT;
    if (error != 0) {
      why = std::strerror(error);
      continue;
    }
    Socket socket(std::move(connected));
    if (auto failure = secure(socket, limited)) {
      if (failure->code == "deadline") failure = ended(Patience::News::kLate, patience);
      return {nullptr, std::move(failure)};
    }
    return {std::make_unique<Link>(std::move(socket)), std::nullopt};
  }
  return {nullptr, unreachable(why)};
}

std::optional<Failure> Dialer::secure(Socket& socket, const Patience& patience) const {
  if (!peer_.tls) return std::nullopt;
  const std::string who = peer_.origin.endpoint();
  SSL* const session = socket.begin_tls(peer_.tls.get());
  Expected expected{peer_.server_name};
  if (!session || !expect(session, expected)) return unreachable("out of memory");
  for (Transfer done = socket.handshake(false); done.n <= 0; done = socket.handshake(false)) {
    if (done.wait != 0) {
      const Patience::News news = patience.wait(socket.get(), done.wait);
      if (news != Patience::News::kReady) return ended(news, patience);
      continue;
    }
    if (!expected.objection.empty()) return trouble("untrusted", who + ": " + expected.objection);
    if (socket.fault().empty()) return trouble("connection-lost", who + " ended the connection during the TLS handshake");
    return trouble("untrusted", who + ": no TLS with it: " + socket.fault());
  }
  SSL_set_app_data(session, nullptr);
  return std::nullopt;
}

}  // namespace transport_http
