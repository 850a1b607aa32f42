// Socket: a connected socket, plain or by TLS, that never waits: what cannot be done now says what is to be polled for.
#pragma once
#include <sys/types.h>

#include <string>

#include "descriptor.h"
#include "tls.h"

namespace transport_http {

struct Transfer {
  ssize_t n = 0;   // bytes; 0: the peer has ended; -1: it is broken, or has to wait
  short wait = 0;  // POLLIN or POLLOUT, where it has to wait: nothing happened
};

// One thread, but for cut().
class Socket {
 public:
  Socket() = default;
  explicit Socket(Descriptor socket) : socket_(std::move(socket)) {}  // non-blocking
  int get() const { return socket_.get(); }

  // Before the first byte; then handshake() until it has not to wait: n > 0 if it is done. Null: no session can be had.
  SSL* begin_tls(SSL_CTX* context);
  Transfer handshake(bool as_server);
  bool has_tls() const { return tls_ != nullptr; }
  SSL* tls() const { return tls_.get(); }

  Transfer receive(char* to, size_t size);
  Transfer send(const char* from, size_t size);
  // As receive, of one byte that stays.
  Transfer peek();
  // What OpenSSL said where TLS is broken; empty: it is not, or the peer just ended.
  const std::string& fault() const { return fault_; }

  void end_sending();
  // [any] Ends all waiting on the peer.
  void cut();

 private:
  Transfer outcome(int result);
  Descriptor socket_;
  TlsSession tls_;
  std::string fault_;
};

}  // namespace transport_http
