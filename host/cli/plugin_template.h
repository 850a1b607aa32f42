// The template of a plugin (sdk/template/README.md): folders that, laid over each other with a few words replaced, are a plugin.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "result.h"

namespace heddle {

// What a plugin is called in the places where its name goes.
struct PluginNames {
  std::string name;        // "tone_map"
  std::string type;        // "ToneMap"
  std::string package;     // "tone-map": what comes behind "heddle-plugin-"
  std::string maintainer;  // "Ada <ada@example.org>"; empty: nobody is known
  std::string date;        // as in a Debian changelog
};

// The names that follow from `name`, with the maintainer and the time that the environment gives. The error (code "bad-name") says what is wrong
// with the name: it is to be a word that C, CMake and Debian all take for a name.
Result<PluginNames> plugin_names(const std::string& name);

struct TemplateFile {
  std::string text;
  bool executable = false;
};

class PluginTemplate {
 public:
  // The one at `folder`; unset: that of the program's own build tree, or the one that is installed with it.
  static Result<PluginTemplate> open(const std::optional<std::string>& folder);

  // Every file of a plugin, by its path in the plugin's folder. The error names the kinds and languages that there are.
  Result<std::map<std::string, TemplateFile>> fill(const std::string& kind, const std::string& language, const PluginNames& names) const;

 private:
  using Choices = std::map<std::string, std::vector<std::string>>;  // kind → languages
  PluginTemplate(std::string folder, Choices choices) : folder_(std::move(folder)), choices_(std::move(choices)) {}
  std::optional<Error> refusal(const std::string& kind, const std::string& language) const;

  std::string folder_;
  Choices choices_;  // sorted, and never empty
};

}  // namespace heddle
