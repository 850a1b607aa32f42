#include "cli/configuration.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "cli/console.h"
#include "cli/failure.h"
#include "cli/source_file.h"
#include "manifest/reading.h"
#include "value/json_value.h"

namespace heddle {
namespace {

std::string environment(const char* name) {
  const char* const value = std::getenv(name);
  return value ? value : "";
}

struct TextVariable {
  const char *variable, *setting;
  std::string ServeConfig::*value;
};
constexpr TextVariable kTexts[] = {{"HEDDLE_PIPELINES", "pipelines", &ServeConfig::pipelines}, {"HEDDLE_STATE_DIR", "state_dir", &ServeConfig::state_dir}};

Result<void> take_number(const char* variable, const char* setting, uint64_t min, uint64_t max, ServeConfig& config, uint64_t& out) {
  const std::string text = environment(variable);
  if (text.empty()) return {};
  if (!to_whole(text, out) || out < min || out > max) {
    return Error("usage", std::string(variable) + " must be a whole number from " + std::to_string(min) + " to " + std::to_string(max) + ", but is \"" + text + "\"", ErrorClass::kConfig);
  }
  config.origins[setting] = {{variable}};
  return {};
}

Result<void> take_environment(ServeConfig& config) {
  for (const TextVariable& one : kTexts) {
    std::string text = environment(one.variable);
    if (text.empty()) continue;
    config.*one.value = std::move(text);
    config.origins[one.setting] = {{one.variable}};
  }
  uint64_t threads = config.threads;
  if (auto taken = take_number("HEDDLE_THREADS", "threads", 1, kMaxThreads, config, threads); !taken) return taken;
  config.threads = static_cast<unsigned>(threads);
  return take_number("HEDDLE_DRAIN_MS", "drain_ms", 0, kMaxMilliseconds, config, config.drain_ms);
}

void take_flags(ServeConfig& config, const ServeArguments& flags, const std::vector<std::string>& plugin_dirs) {
  if (flags.threads) {
    config.threads = flags.threads;
    config.origins["threads"] = {{"--threads"}};
  }
  if (plugin_dirs.empty()) return;
  config.plugin_dirs.insert(config.plugin_dirs.begin(), plugin_dirs.begin(), plugin_dirs.end());  // beside those of the files, not in their place
  auto& from = config.origins["plugin_dirs"];
  from.insert(from.begin(), Origin{"--plugin-dir"});
}

// The *.json in `folder`, sorted by name. Of a folder that may not be looked into the folder itself: who reads it learns why not.
std::vector<std::string> json_files_in(const std::string& folder) {
  std::vector<std::string> out;
  std::error_code unreadable;
  for (auto at = std::filesystem::directory_iterator(folder, unreadable); !unreadable && at != std::filesystem::directory_iterator(); at.increment(unreadable)) {
    const std::string name = at->path().filename().string();
    if (name.ends_with(".json") && !name.starts_with('.')) out.push_back(at->path().string());
  }
  if (unreadable == std::errc::permission_denied) return {folder};
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace

std::vector<std::string> config_places(const std::string& system) {
  std::vector<std::string> places{kConfigHere};
  if (const std::string home = environment("XDG_CONFIG_HOME"); home.starts_with('/')) places.push_back(home + "/heddle/heddle.json");
  else if (const std::string user = environment("HOME"); !user.empty()) places.push_back(user + "/.config/heddle/heddle.json");
  places.push_back(system + "/conf.d/*.json");
  places.push_back(system + "/" + kPolicyFolder + "/*.json");
  places.push_back(system + "/heddle.json");
  return places;
}

std::vector<std::string> config_files(const std::optional<std::string>& asked, const std::string& system) {
  const std::string named = asked ? *asked : environment("HEDDLE_CONFIG");
  if (asked || !named.empty()) {
    std::vector<std::string> out = named == "-" ? std::vector<std::string>() : json_files_in((std::filesystem::path(named).parent_path() / kPolicyFolder).string());
    out.push_back(named);
    return out;
  }
  std::vector<std::string> places = config_places(system), out;
  std::reverse(places.begin(), places.end());
  std::error_code unknown;
  for (const std::string& place : places) {
    if (place.ends_with("/*.json")) {
      for (std::string& file : json_files_in(place.substr(0, place.rfind('/')))) out.push_back(std::move(file));
    } else if (std::filesystem::exists(std::filesystem::symlink_status(place, unknown))) {
      out.push_back(place);
    }
  }
  return out;
}

Configuration read_configuration(const std::vector<std::string>& files, const ServeArguments& flags, const std::vector<std::string>& plugin_dirs) {
  Configuration out;
  for (const std::string& file : files) {
    auto text = read_source(file);
    if (!text) {
      out.error = std::move(text).error();
      return out;
    }
    out.texts.emplace_back(file, *std::move(text));
  }
  out.config = read_config(out.texts);
  if (!out.config) return out;
  if (auto taken = take_environment(*out.config); !taken) {
    out.error = std::move(taken).error();
    out.config.reset();
    return out;
  }
  take_flags(*out.config, flags, plugin_dirs);
  return out;
}

std::string config_faults(const Configuration& read, bool color) {
  std::string out;
  for (const ConfigText& one : read.texts) out += one.diagnostics.text(color);
  return out;
}

ExitCode refuse(const Configuration& read, const GeneralArguments& general) {
  if (read.error) return fail_with(exit_code_of(*read.error), *read.error, general.json);
  std::string text = config_faults(read, use_color(general.color, STDERR_FILENO));
  if (general.json) {
    std::vector<Value> all;
    for (const ConfigText& one : read.texts) {
      const Value list = json_or_text(one.diagnostics.json());
      for (size_t i = 0; i < list.size(); ++i) all.push_back(list.at(i));
    }
    text = json_object({{"ok", Value::boolean(false)}, {"diagnostics", Value::list(std::move(all))}}).json() + "\n";
  }
  (void)write_all(STDERR_FILENO, text).has_value();  // stderr is the last resort
  return read.untrusted ? ExitCode::kNotTrusted : ExitCode::kManifestInvalid;
}

}  // namespace heddle
