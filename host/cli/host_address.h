// Where a running host is, and what lets us in.
#pragma once
#include <string>

#include "cli/client_arguments.h"
#include "result.h"

namespace heddle {

inline constexpr const char* kDefaultHost = "http://127.0.0.1:7433";

struct HostAddress {
  std::string url = {};      // "http://127.0.0.1:7433", without a slash at the end
  std::string token = {};    // a secret; empty: none
  std::string ca_file = {};  // PEM: whose certificates are believed; empty: as this machine is set up
  bool is_here() const;  // on this machine
  // Whether the token stays here, or goes encrypted.
  bool keeps_secrets() const { return is_here() || url.starts_with("https://"); }
};

// --host, then HEDDLE_HOST, then kDefaultHost; --token-file, then HEDDLE_TOKEN; --ca-file, then HEDDLE_CA_FILE. The token is redacted from here on.
// Errors: "usage" (no http address), "io" (the file).
Result<HostAddress> host_address(const HostArguments& arguments);

// `text` as a part of a path or a query.
std::string url_escaped(std::string_view text);

}  // namespace heddle
