// What the host offers at listen, as plain values: see heddle/transport.h.
#pragma once
#include <heddle/sdk/value.h>

#include <cstdint>
#include <functional>
#include <set>
#include <string>

namespace transport_grpc {

struct Offer {
  // Throws heddle::sdk::Error for what is missing.
  explicit Offer(heddle::sdk::ValueRef offer);

  std::string endpoint;
  uint64_t body_bytes, requests, header_ms, request_ms, idle_ms, stall_ms;
  std::set<std::string, std::less<>> operations;
};

}  // namespace transport_grpc
