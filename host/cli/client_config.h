// ClientConfig: what the files of the configuration say to the verbs that talk to a running host: {"client": {"host", "token", "ca_file"}}.
#pragma once
#include <string>
#include <vector>

#include "result.h"
#include "serve/config.h"

namespace heddle {

struct ClientConfig {
  std::string host = {}, token = {}, ca_file = {};  // empty: not said
  Origin host_from = {}, token_from = {}, ca_file_from = {};
};

// That of the strongest file that has a "client", as a whole; `files`: the weakest first. A file that this user may not read has none.
// Errors: "bad-config" (with every place), "io".
Result<ClientConfig> read_client_config(const std::vector<std::string>& files);

}  // namespace heddle
