// PluginPolicy: which of the plugins found a daemon may load.
//
// A daemon loads what nobody but root and its own user can have put there (guarded_path.h): always. The configuration may narrow it down
// further, by directory, by id, and by the SHA-256 of the file.
#pragma once
#include <sys/types.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "plugin/descriptor.h"
#include "result.h"

namespace heddle {

struct PluginPolicy {
  uid_t user;                                                // whom it trusts, beside root
  std::optional<std::vector<std::string>> directories = {};  // that plugins may lie in; unset: in any
  std::optional<std::vector<std::string>> allow = {};        // ids; unset: any
  bool pinned_only = false;                                  // only plugins that have a pin
  std::map<std::string, std::vector<std::string>> pins = {};  // by id: the SHA-256 that its file may have (64 hexadecimal digits, small letters)
};

// Why nothing of a directory is loaded, or the plugin is not: error "not-trusted", which says what to do. Nothing: it may be.
std::optional<Error> directory_refusal(const PluginPolicy& policy, const std::string& directory);
// In a directory that is not refused. Reads the file where it has a pin.
std::optional<Error> plugin_refusal(const PluginPolicy& policy, const PluginDescriptor& plugin);

// What its file has to be when it is loaded: see PluginDescriptor::pins.
std::vector<std::string> pins_of(const PluginPolicy& policy, const PluginDescriptor& plugin);

}  // namespace heddle
