#include "socket.h"

#include <openssl/err.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <climits>

namespace transport_http {
namespace {

constexpr size_t kMostAtOnce = INT_MAX;  // of OpenSSL

template <class Fn>
ssize_t uninterrupted(Fn&& fn) {
  ssize_t n;
  do n = fn();
  while (n < 0 && errno == EINTR);
  return n;
}

Transfer outcome_of(ssize_t n, short wait) {
  const bool would_wait = n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
  return {n < 0 ? -1 : n, would_wait ? wait : short{0}};
}

}  // namespace

SSL* Socket::begin_tls(SSL_CTX* context) {
  tls_.reset(::SSL_new(context));
  if (tls_ && ::SSL_set_fd(tls_.get(), socket_.get()) != 1) tls_.reset();
  return tls_.get();
}

// Of a call of OpenSSL that gave `result`.
Transfer Socket::outcome(int result) {
  if (result > 0) return {result, 0};
  switch (::SSL_get_error(tls_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return {-1, POLLIN};
    case SSL_ERROR_WANT_WRITE:
      return {-1, POLLOUT};
    case SSL_ERROR_ZERO_RETURN:
      return {0, 0};
    default:
      break;
  }
  const unsigned long code = ::ERR_peek_error();
  const char* const why = ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING ? nullptr : ::ERR_reason_error_string(code);
  if (why) fault_ = why;
  return {-1, 0};
}

Transfer Socket::handshake(bool as_server) {
  ::ERR_clear_error();
  const Transfer done = outcome(as_server ? ::SSL_accept(tls_.get()) : ::SSL_connect(tls_.get()));
  return done.n == 0 ? Transfer{-1, 0} : done;
}

Transfer Socket::receive(char* to, size_t size) {
  if (!tls_) return outcome_of(uninterrupted([&] { return ::recv(socket_.get(), to, size, 0); }), POLLIN);
  ::ERR_clear_error();
  return outcome(::SSL_read(tls_.get(), to, static_cast<int>(std::min(size, kMostAtOnce))));
}

Transfer Socket::peek() {
  char c;
  if (!tls_) return outcome_of(uninterrupted([&] { return ::recv(socket_.get(), &c, 1, MSG_PEEK); }), POLLIN);
  ::ERR_clear_error();
  return outcome(::SSL_peek(tls_.get(), &c, 1));
}

Transfer Socket::send(const char* from, size_t size) {
  if (!tls_) return outcome_of(uninterrupted([&] { return ::send(socket_.get(), from, size, MSG_NOSIGNAL); }), POLLOUT);
  ::ERR_clear_error();
  const Transfer done = outcome(::SSL_write(tls_.get(), from, static_cast<int>(std::min(size, kMostAtOnce))));
  return done.n == 0 ? Transfer{-1, 0} : done;
}

void Socket::end_sending() {
  if (tls_) ::SSL_shutdown(tls_.get());
  ::shutdown(socket_.get(), SHUT_WR);
}

void Socket::cut() { ::shutdown(socket_.get(), SHUT_RDWR); }

}  // namespace transport_http
