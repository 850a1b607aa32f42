// "remotes" of a configuration: the hosts that run nodes for this one.
#pragma once
#include <string>
#include <vector>

#include "manifest/reading.h"
#include "pipeline/remote_hosts.h"
#include "value/value.h"

namespace heddle {

// {"gpu": {"transport": "grpc", "endpoints": ["gpu.example:7434"], "auth_token": …, "tls": {…}}}, in the order in which they are preferred. What is wrong is in the reading's diagnostics.
std::vector<RemoteHost> read_remotes(Reading& reading, JsonNode& section, const Path& path);

// The section again, without tokens.
Value remotes_json(const std::vector<RemoteHost>& remotes);

}  // namespace heddle
