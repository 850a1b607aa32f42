// "plugins" of a configuration: which plugins the host may load.
#pragma once
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "manifest/reading.h"
#include "plugin/policy.h"
#include "value/value.h"

namespace heddle {

// {"directories": ["/usr/lib/heddle/1"], "allow": ["node_std"], "pinned_only": true, "pins": {"node_std": "<SHA-256>", "acme": ["<SHA-256>", "<SHA-256>"]}} over what
// `policy` says already: a list replaces one, a pin replaces that of the same plugin. `path_of`: of a directory that is written relatively. What is wrong is in the
// reading's diagnostics.
void read_plugin_settings(Reading& reading, JsonNode& section, const Path& path, const std::function<std::string(const std::string&)>& path_of, PluginPolicy& policy);

// Every setting by its name, in the same form.
std::vector<std::pair<std::string, Value>> plugin_settings_of(const PluginPolicy& policy);

}  // namespace heddle
