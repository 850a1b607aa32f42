#include "cli/daemon_view.h"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "cli/configuration.h"

namespace heddle {
namespace {

std::string folder_of(const PluginDescriptor& plugin) {
  std::error_code failed;
  return std::filesystem::absolute(plugin.path, failed).parent_path().string();
}

}  // namespace

DaemonView::DaemonView(const std::vector<std::string>& plugin_dirs) : policy_{.user = ::geteuid()} {
  const passwd* const user = ::getpwuid(policy_.user);
  user_ = user ? user->pw_name : std::to_string(policy_.user);
  Configuration read = read_configuration(config_files({}), {}, plugin_dirs);
  if (read.config) {
    const std::vector<std::string> usual = plugin_search_path(plugin_dirs);
    for (std::string& directory : plugin_search_path(read.config->plugin_dirs))
      if (std::find(usual.begin(), usual.end(), directory) == usual.end()) own_directories_.push_back(std::move(directory));
    policy_ = std::move(read.config->plugins);
  } else if (read.error) {
    unknown_ = std::move(read.error);
  } else {
    unknown_ = Error("bad-config", "its configuration has errors: heddle config explain says which", ErrorClass::kConfig);
  }
}

std::vector<RefusedPlugin> DaemonView::refused(const Catalog& found) const {
  std::vector<RefusedPlugin> out;
  if (unknown_) return out;
  std::map<std::string, bool> folders;  // whether it loads anything from there
  for (const auto& plugin : found.plugins()) {
    const std::string folder = folder_of(*plugin);
    const auto [known, is_new] = folders.try_emplace(folder, true);
    if (auto why = is_new ? directory_refusal(policy_, folder) : std::nullopt) {
      known->second = false;
      out.push_back({folder, *std::move(why)});
    }
    if (auto why = known->second ? plugin_refusal(policy_, *plugin) : std::nullopt) out.push_back({plugin->path, *std::move(why)});
  }
  const Catalog others = Catalog::installed(own_directories_, &policy_);
  for (const RefusedPlugin& one : others.refused())
    if (one.why.code == "not-trusted") out.push_back(one);
  return out;
}

std::optional<Error> DaemonView::refusal(const PluginDescriptor& plugin) const {
  if (unknown_) return std::nullopt;
  if (auto why = directory_refusal(policy_, folder_of(plugin))) return why;
  return plugin_refusal(policy_, plugin);
}

}  // namespace heddle
