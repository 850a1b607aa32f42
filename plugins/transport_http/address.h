// Endpoints as text, and the socket that listens on one.
#pragma once
#include <sys/socket.h>

#include <string>

#include "descriptor.h"

namespace transport_http {

struct HostAndPort {
  std::string host, port;  // the host without brackets
};
// "127.0.0.1:8080", "[::1]:8080". Throws heddle::sdk::Error about `endpoint`, which `text` is, or is a part of.
HostAndPort split_endpoint(const std::string& text, const std::string& endpoint);

struct Listening {
  Descriptor socket;     // non-blocking
  std::string endpoint;  // with the port in use
  std::string host;      // as it was asked for: "localhost"
  bool is_loopback = false;
};

// "127.0.0.1:8080", "localhost:0", "[::1]:8080". Throws heddle::sdk::Error, which says the endpoint and the reason.
Listening listen_on(const std::string& endpoint, int backlog);

// "192.0.2.7:51234", "[2001:db8::1]:51234"
std::string text_of(const sockaddr_storage& address);

}  // namespace transport_http
