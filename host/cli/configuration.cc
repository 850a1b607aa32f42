#include "cli/config_file.h"

#include <cstdlib>
#include <filesystem>

#include "cli/source_file.h"

namespace heddle {
namespace {

std::string environment(const char* name) {
  const char* const value = std::getenv(name);
  return value ? value : "";
}

}  // namespace

std::vector<std::string> config_places() {
  std::vector<std::string> places{"heddle.json"};
  if (const std::string home = environment("XDG_CONFIG_HOME"); !home.empty()) places.push_back(home + "/heddle/heddle.json");
  else if (const std::string user = environment("HOME"); !user.empty()) places.push_back(user + "/.config/heddle/heddle.json");
  places.push_back("/etc/heddle/heddle.json");
  return places;
}

std::string config_path(const std::optional<std::string>& asked) {
  if (asked) return *asked;
  if (const std::string named = environment("HEDDLE_CONFIG"); !named.empty()) return named;
  std::error_code unknown;
  for (const std::string& place : config_places()) {
    if (std::filesystem::exists(place, unknown)) return place;
  }
  return {};
}

ConfigFile read_config_file(const std::string& path) {
  ConfigFile out;
  if (path.empty()) {
    out.config = default_config();
    return out;
  }
  auto text = read_source(path);
  if (!text) {
    out.unreadable = std::move(text).error();
    return out;
  }
  out.diagnostics.emplace(source_name(path), *text);
  out.config = read_config(*text, path, *out.diagnostics);
  return out;
}

}  // namespace heddle
