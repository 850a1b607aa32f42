// What the host offers at listen, as plain values: see heddle/transport.h.
#pragma once
#include <heddle/sdk/value.h>

#include <string>

#include "routes.h"
#include "wire.h"

namespace transport_http {

struct Offer {
  // Throws heddle::sdk::Error for what is missing or none.
  explicit Offer(heddle::sdk::ValueRef offer);

  std::string endpoint;
  WireLimits wire;
  uint64_t body_bytes, requests, idle_ms;
  Routes routes;
  std::string otherwise;  // empty: none
};

}  // namespace transport_http
