#include "plugin/policy.h"

#include <algorithm>
#include <filesystem>

#include "plugin/file_digest.h"
#include "plugin/guarded_path.h"

namespace heddle {
namespace {

namespace fs = std::filesystem;

Error not_trusted(const std::string& subject, const std::string& why) {
  return {"not-trusted", subject + " is not trusted: " + why, ErrorClass::kConfig};
}

// As far as it exists, without symbolic links.
fs::path plain(const std::string& path) {
  std::error_code failed;
  fs::path out = fs::weakly_canonical(path, failed);
  if (!failed && out.filename().empty()) out = out.parent_path();  // "/opt/plugins/"
  return failed ? fs::path(path) : out;
}

bool holds(const std::vector<std::string>& list, const std::string& one) { return std::find(list.begin(), list.end(), one) != list.end(); }

std::optional<std::string> fault_of_pin(const PluginPolicy& policy, const PluginDescriptor& plugin) {
  const auto pin = policy.pins.find(plugin.name);
  if (pin == policy.pins.end()) return policy.pinned_only ? std::optional("it has no pin, and \"plugins\".\"pinned_only\" is true") : std::nullopt;
  const auto digest = sha256_of_file(plugin.path);
  if (!digest) return "its SHA-256 cannot be had: " + digest.error().text();
  if (holds(pin->second, *digest)) return std::nullopt;
  return "its SHA-256 is " + *digest + ", and its pin says another: if this is the file that is wanted, pin this one";
}

}  // namespace

std::vector<std::string> pins_of(const PluginPolicy& policy, const PluginDescriptor& plugin) {
  const auto pin = policy.pins.find(plugin.name);
  return pin == policy.pins.end() ? std::vector<std::string>() : pin->second;
}

std::optional<Error> directory_refusal(const PluginPolicy& policy, const std::string& directory) {
  if (policy.directories) {
    const fs::path real = plain(directory);
    const auto is_it = [&](const std::string& one) { return plain(one) == real; };
    if (std::none_of(policy.directories->begin(), policy.directories->end(), is_it))
      return not_trusted(directory, "\"plugins\".\"directories\" of the configuration does not have it");
  }
  if (const auto fault = way_in_for_others(directory, policy.user)) return not_trusted(directory, *fault);
  return std::nullopt;
}

std::optional<Error> plugin_refusal(const PluginPolicy& policy, const PluginDescriptor& plugin) {
  const std::string subject = plugin.path + ": plugin \"" + plugin.name + "\"";
  if (policy.allow && !holds(*policy.allow, plugin.name)) return not_trusted(subject, "\"plugins\".\"allow\" of the configuration does not name it");
  std::error_code unknown;
  const bool is_link = fs::is_symlink(fs::symlink_status(plugin.path, unknown));
  if (const auto fault = is_link ? way_in_for_others(plugin.path, policy.user) : own_way_in_for_others(plugin.path, policy.user))
    return not_trusted(subject, *fault);
  if (const auto fault = fault_of_pin(policy, plugin)) return not_trusted(subject, *fault);
  return std::nullopt;
}

}  // namespace heddle
