// Endpoint: "host:port", as heddle writes it.
#pragma once
#include <string>

namespace transport_grpc {

struct Endpoint {
  std::string host, port;
  bool secure = false;  // a URL that asks for TLS
  std::string text() const { return (host.find(':') == host.npos ? host : "[" + host + "]") + ":" + port; }
};

// "host:port", "[::1]:port", or a URL of scheme http, https, grpc or grpcs without a path. Throws heddle::sdk::Error.
Endpoint parse_endpoint(const std::string& text);

}  // namespace transport_grpc
