// Origin: where a URL leads to, without what may be a secret in it.
#pragma once
#include <optional>
#include <string>

namespace broker_http {

struct Origin {
  bool has_tls = false, is_loopback = false, has_user = false;
  std::string text;  // "https://host:port"; the port only where it is not the scheme's own

  // Empty: that is no URL of http or https.
  static std::optional<Origin> of(const std::string& url);
};

}  // namespace broker_http
