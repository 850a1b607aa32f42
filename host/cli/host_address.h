// Where a running host is, and what lets us in.
#pragma once
#include <string>
#include <vector>

#include "cli/client_arguments.h"
#include "result.h"
#include "serve/config.h"

namespace heddle {

inline constexpr const char* kDefaultHost = "http://127.0.0.1:7433";

struct HostAddress {
  std::string url = {};      // "http://127.0.0.1:7433", without a slash at the end
  std::string token = {};    // a secret; empty: none
  std::string ca_file = {};  // PEM: whose certificates are believed; empty: as this machine is set up
  Origin url_from = {}, token_from = {}, ca_file_from = {};  // without a name: nobody said it
  bool is_here() const;  // on this machine
  // Whether the token stays here, or goes encrypted.
  bool keeps_secrets() const { return is_here() || url.starts_with("https://"); }
};

// Of each: the flag, then the variable (HEDDLE_HOST, HEDDLE_TOKEN, HEDDLE_CA_FILE), then the "client" of the strongest of `files` that has one, then a default. `files`: the
// weakest first; one that this user may not read is passed over, for it is the host's. The token is redacted from here on.
//
// A token goes to nobody it was not meant for: what a file says besides the host is for the host that the same file names (or the default), and HEDDLE_TOKEN is not sent to one
// that only kConfigHere names.
// Errors: "usage" (no http address, or that), "io" (the file of the token), "bad-config" (a file of the configuration).
Result<HostAddress> host_address(const HostArguments& arguments, const std::vector<std::string>& files);
// The same, with config_files().
Result<HostAddress> host_address(const HostArguments& arguments);

// `text` as a part of a path or a query.
std::string url_escaped(std::string_view text);

}  // namespace heddle
