// Wire: the bytes of one connection, plain or by TLS, as cpp-httplib reads and writes them. Nothing on it waits without an end.
#pragma once
#include <httplib.h>

#include <atomic>
#include <string>

#include "descriptor.h"
#include "head_rules.h"
#include "socket.h"

namespace transport_http {

struct WireLimits {
  uint64_t header_ms = 0;   // from the first byte of a request to the end of its head
  uint64_t request_ms = 0;  // and to its end
  uint64_t stall_ms = 0;    // without a byte taken by the peer
};

// One thread, but for cut().
class Wire final : public httplib::Stream {
 public:
  Wire(Descriptor socket, std::string peer, WireLimits limits) : socket_(std::move(socket)), peer_(std::move(peer)), limits_(limits) {}

  // Before the first request, where the connection has TLS: false if the peer does not manage the handshake in time.
  bool secure(SSL_CTX* context);
  const std::string& peer() const { return peer_; }
  const std::string& identity() const { return identity_; }  // see subject_of

  // Waits for the first byte of a request; false: none came in time, none will, or `closing` (look again whenever the bell rings).
  bool await_request(Bell& bell, const std::atomic<bool>& closing, uint64_t until_ns);
  // The head was read: from here on a body may come.
  void end_head() { in_head_ = false; }
  // Why reading stopped, as an HTTP status: 400, 408, 414, 431; 0: it did not, or the peer is gone.
  int fault() const { return fault_; }
  // Bytes of an answer were written since await_request.
  bool has_written() const { return has_written_; }

  enum class News { kBell, kGone, kLate };
  // Waits for the bell while it watches whether the peer hangs up.
  News await(Bell& bell, uint64_t until_ns);

  bool has_unread() const;  // the peer has said more than was read
  bool flush();  // false: the peer is gone, or takes nothing
  // Tells the peer that nothing follows, and reads away what it still sends for a while: closing at once would destroy the answer on its way.
  void hang_up();
  // [any] Ends all waiting on the peer.
  void cut();

  bool is_readable() const override { return !broken_; }
  bool is_writable() const override { return !broken_; }
  ssize_t read(char* to, size_t size) override;
  ssize_t write(const char* from, size_t size) override;
  // The library copies these into headers, which nobody here reads.
  void get_remote_ip_and_port(std::string&, int&) const override {}
  void get_local_ip_and_port(std::string&, int&) const override {}
  socket_t socket() const override { return socket_.get(); }

 private:
  ssize_t receive(char* to, size_t size, uint64_t until_ns);
  bool fill(uint64_t until_ns);
  bool send_all(const char* from, size_t size);
  bool wait(const Transfer& transfer, uint64_t until_ns);
  ssize_t break_off(int fault);

  Socket socket_;
  std::string peer_, identity_;
  WireLimits limits_;
  char in_[16 << 10];
  size_t begin_ = 0, end_ = 0;  // of what is unread in in_
  std::string out_;
  uint64_t head_until_ = 0, request_until_ = 0;
  HeadRules rules_;
  int fault_ = 0;
  bool in_head_ = false, broken_ = false, has_written_ = false;
};

}  // namespace transport_http
