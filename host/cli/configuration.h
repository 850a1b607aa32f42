// The configuration file of `heddle serve`: where it is, and what it says.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "manifest/diagnostic.h"
#include "result.h"
#include "serve/config.h"

namespace heddle {

// Where one is looked for, in this order, if nobody says where it is.
std::vector<std::string> config_places();

// `asked`, then HEDDLE_CONFIG, then the first of config_places() that there is; empty: there is none.
std::string config_path(const std::optional<std::string>& asked);

// A configuration that was read, or what is wrong with it.
struct ConfigFile {
  std::optional<Error> unreadable;         // the file itself
  std::optional<Diagnostics> diagnostics;  // of its text
  std::optional<ServeConfig> config;
};
// An empty path: what holds without a file.
ConfigFile read_config_file(const std::string& path);

}  // namespace heddle
