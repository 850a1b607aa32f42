// What `heddle serve` would make of the plugins that there are, with the configuration that it would find.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "plugin/catalog.h"
#include "result.h"

namespace heddle {

class DaemonView {
 public:
  // With the environment, the user and the folder of this process.
  explicit DaemonView(const std::vector<std::string>& plugin_dirs);

  // Why it is not known: its configuration cannot be read.
  const std::optional<Error>& unknown() const { return unknown_; }
  // The name of the user that it would run as, which is this one.
  const std::string& user() const { return user_; }
  // What it would not load because it is not trusted: of those in `found`, and of the directories that only its configuration names.
  std::vector<RefusedPlugin> refused(const Catalog& found) const;
  // Why it would not load this plugin; nothing: it would, or it is unknown.
  std::optional<Error> refusal(const PluginDescriptor& plugin) const;

 private:
  std::vector<std::string> own_directories_;  // beside those of plugin_search_path(plugin_dirs)
  PluginPolicy policy_;
  std::optional<Error> unknown_;
  std::string user_;
};

}  // namespace heddle
