// The configuration as `heddle serve` finds it: flags, then HEDDLE_* of the environment, then files; what none of them says has a default.
//
// Of the files, ./heddle.json is the strongest, then heddle/heddle.json in XDG_CONFIG_HOME (or ~/.config), then /etc/heddle/conf.d/*.json (of these the last by name),
// then /etc/heddle/plugins.d/*.json, then /etc/heddle/heddle.json. Where somebody names a file, it is the only one, but for plugins.d/*.json beside it.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "cli/arguments.h"
#include "result.h"
#include "serve/config.h"

namespace heddle {

// The file of the folder that the program was started in: whoever could write there has written it.
inline constexpr const char* kConfigHere = "heddle.json";

// Where files are looked for if none is named, the strongest first.
std::vector<std::string> config_places(const std::string& system = "/etc/heddle");

// `asked`, or what HEDDLE_CONFIG names, and the plugins.d beside it; else those of config_places() that there are, the weakest first.
std::vector<std::string> config_files(const std::optional<std::string>& asked, const std::string& system = "/etc/heddle");

struct Configuration {
  std::optional<Error> error = {};         // a file that cannot be read, or a variable that cannot be used
  std::vector<ConfigText> texts = {};      // the weakest first
  std::optional<ServeConfig> config = {};  // if nothing is wrong
  bool untrusted = false;                  // what is wrong is that a plugin which it needs is not trusted
};
// `files`: the weakest first.
Configuration read_configuration(const std::vector<std::string>& files, const ServeArguments& flags, const std::vector<std::string>& plugin_dirs);

// What is wrong with the texts: ready for stderr.
std::string config_faults(const Configuration& read, bool color);
// Says all that is wrong with it; the answer's exit code.
ExitCode refuse(const Configuration& read, const GeneralArguments& general);

}  // namespace heddle
