// What the configuration says of other hosts, for verbs that plan a manifest.
#pragma once
#include <vector>

#include "pipeline/remote_hosts.h"
#include "result.h"

namespace heddle {

// "remotes" of the strongest of the configuration's files that has it (config_files()). Errors as those of read_section().
Result<std::vector<RemoteHost>> read_remotes_config();

}  // namespace heddle
