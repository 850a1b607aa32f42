// Peer: whom a channel leads to, what may be asked there, and how; from the options of connect (heddle/transport.h).
#pragma once
#include <heddle/transport.h>
#include <heddle/sdk/value.h>

#include <memory>
#include <string>

#include "call.h"
#include "origin.h"
#include "routes.h"
#include "tls.h"

namespace transport_http {

// Immutable.
struct Peer {
  // Throws heddle::sdk::Error for what is missing or none.
  explicit Peer(heddle::sdk::ValueRef options);

  // What a call asks for. Throws heddle::sdk::Error: there is no such operation, a parameter is missing.
  Asked asked(const heddle_request& r) const;
  Asked health() const;

  Origin origin;
  Routes routes;
  TlsContext tls;           // null: plain
  std::string server_name;  // that the certificate must have
  Parameters headers;
  uint64_t connect_ms, most_body_bytes;
};

}  // namespace transport_http
