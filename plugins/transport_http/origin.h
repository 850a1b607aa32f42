// Origin: where a channel leads to, as it was written: "collector:4318", "https://example.org/otlp".
#pragma once
#include <string>

namespace transport_http {

struct Origin {
  bool secure = false;
  std::string host;    // without the brackets of an IPv6 address
  std::string port;
  std::string prefix;  // of every path: empty, or "/otlp"; as it was written

  // "example.org:8080", "[::1]:8080"; with the port in any case.
  std::string endpoint() const;
  // The same as the Host of a request: without the port that goes without saying.
  std::string authority() const;
};

// `wants_tls`: of what names no scheme. Throws heddle::sdk::Error, which says what is wrong.
Origin parse_origin(const std::string& endpoint, bool wants_tls);

}  // namespace transport_http
