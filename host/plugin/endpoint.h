// "host:port", as a configuration says where to listen, and whom to call.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

namespace heddle {

struct HostAndPort {
  std::string_view host;  // without brackets; lives as long as the text
  uint64_t port = 0;
};

// "https://host:port/path" → "host:port"; what has neither scheme nor path stays as it is.
std::string_view authority_of(std::string_view endpoint);

// The host possibly an address in brackets; port 0 is any free one.
std::optional<HostAndPort> split_endpoint(std::string_view text);

bool is_loopback(std::string_view host);

}  // namespace heddle
