// Target: where a worker is, as the options of connect say it (heddle/sidecar.h).
#pragma once
#include <heddle/sdk/value.h>

#include <cstdint>
#include <string>

namespace sidecar_rest {

// Immutable.
struct Target {
  // Throws heddle::sdk::Error.
  explicit Target(heddle::sdk::ValueRef options);

  std::string endpoint;  // "127.0.0.1:7071", without a scheme, a path and a password
  bool has_tls = false;
  std::string host;      // without the brackets of an IPv6 address
  int port = 0;
  std::string prefix;    // of every path: empty, or "/worker"
  std::string ca, certificate, key;  // PEM files, each may be empty
  std::string server_name;           // that the certificate must have
  uint64_t connect_ms, most_bytes;
};

}  // namespace sidecar_rest
