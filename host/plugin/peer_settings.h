// PeerSettings: what a group of peers is, and how it is called: read from the map that heddle/draft/peers.h describes.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "plugin/channel.h"
#include "resilience/attempts.h"
#include "resilience/endpoint_pool.h"
#include "result.h"
#include "value/value.h"

namespace heddle {

// What those share who call the same peers: the channels, and what is known of each endpoint.
struct PeerSettings {
  std::string transport;
  std::vector<std::vector<EndpointSpec>> pools = {};  // in the order in which they are tried
  PoolPolicy policy = {};
  std::vector<Operation> operations = {};
  std::optional<ChannelTls> tls = {};
  uint64_t connect_ms = 2'000;  // of a probe, too
  uint64_t most_body_bytes = uint64_t{16} << 20;
  uint64_t probe_ns = 5 * kNsPerSecond;  // between two probes of an endpoint; 0: none

  // The same for settings that mean the same, and for no others.
  std::string key() const;
};

struct PeerOptions {
  PeerSettings group;
  CallPolicy calls;  // of one caller
};

// Errors: "invalid", with the name of the member.
Result<PeerOptions> read_peer_options(const Value& options);

}  // namespace heddle
