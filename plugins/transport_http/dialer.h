// Dialer: makes connections to one peer: its name, its addresses, TLS.
#pragma once
#include <memory>
#include <optional>
#include <string>

#include "failure.h"
#include "link.h"
#include "patience.h"
#include "peer.h"
#include "resolver.h"

namespace transport_http {

struct Dialled {
  std::unique_ptr<Link> link;
  std::optional<Failure> failure;  // where there is no link
};

// Any thread.
class Dialer {
 public:
  explicit Dialer(const Peer& peer) : peer_(peer), resolver_(peer.origin.host, peer.origin.port) {}
  // Within the peer's connect_ms and `patience`.
  Dialled dial(const Patience& patience);

 private:
  std::optional<Failure> secure(Socket& socket, const Patience& patience) const;
  Failure ended(Patience::News news, const Patience& patience) const;
  Failure unreachable(const std::string& why) const;

  const Peer& peer_;
  Resolver resolver_;
};

}  // namespace transport_http
