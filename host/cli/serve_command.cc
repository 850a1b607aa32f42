#include <unistd.h>

#include "cli/config_file.h"
#include "cli/console.h"
#include "cli/failure.h"
#include "cli/verbs.h"
#include "serve/daemon.h"
#include "value/json_value.h"

namespace heddle {
namespace {

ConfigFile read(const std::string& path, const ServeArguments& arguments, const GeneralArguments& general) {
  ConfigFile out = read_config_file(path);
  if (!out.config) return out;
  if (arguments.threads) out.config->threads = arguments.threads;
  out.config->plugin_dirs.insert(out.config->plugin_dirs.begin(), general.plugin_dirs.begin(), general.plugin_dirs.end());
  if (!out.diagnostics) return out;
  check_types(*out.config, Catalog::scan(plugin_search_path(out.config->plugin_dirs)), *out.diagnostics);
  if (out.diagnostics->has_errors()) out.config.reset();
  return out;
}

ExitCode refuse(const ConfigFile& read, const GeneralArguments& general) {
  if (read.unreadable) return fail_with(ExitCode::kIo, *read.unreadable, general.json);
  const std::string text = general.json ? json_object({{"ok", Value::boolean(false)}, {"diagnostics", json_or_text(read.diagnostics->json())}}).json() + "\n"
                                        : read.diagnostics->text(use_color(general.color, STDERR_FILENO));
  (void)write_all(STDERR_FILENO, text).has_value();  // stderr is the last resort
  return ExitCode::kManifestInvalid;
}

Result<ServeConfig> config_or_why(ConfigFile read) {
  if (read.config) return *std::move(read.config);
  if (read.unreadable) return *std::move(read.unreadable);
  return Error("bad-config", "the configuration has errors:\n" + read.diagnostics->text(false), ErrorClass::kConfig);
}

bool say_ready(const Daemon& daemon, Console& console, bool json) {
  std::vector<Value> listeners;
  std::string line;
  for (const auto& [transport, endpoint] : daemon.endpoints()) {
    listeners.push_back(json_object({{"transport", json_text(transport)}, {"endpoint", json_text(endpoint)}}));
    line += (line.empty() ? "" : ", ") + transport + " on " + endpoint;
  }
  if (json) return print(json_object({{"ready", Value::boolean(true)}, {"version", json_text(HEDDLE_VERSION)}, {"listeners", Value::list(std::move(listeners))}}).json() + "\n");
  console.raw("heddle " HEDDLE_VERSION " ready: " + line + "\n");
  return true;
}

}  // namespace

ExitCode serve_command(const ServeArguments& arguments, const GeneralArguments& general) {
  const std::string path = config_path(arguments.config);
  ConfigFile first = read(path, arguments, general);
  if (!first.config) return refuse(first, general);
  Console console(general.json);
  Daemon daemon({.config = *std::move(first.config),
                 .read_again = [&] { return config_or_why(read(path, arguments, general)); },
                 .version = HEDDLE_VERSION});
  if (auto started = daemon.start(); !started) {
    const ExitCode code = fail_with(started.error().error_class == ErrorClass::kConfig ? ExitCode::kManifestInvalid : ExitCode::kIo, started.error(), general.json);
    if (daemon.leaves_threads()) ::_exit(static_cast<int>(code));
    return code;
  }
  if (!general.quiet && !say_ready(daemon, console, general.json)) return ExitCode::kIo;
  if (!daemon.run()) ::_exit(0);
  return ExitCode::kOk;
}

}  // namespace heddle
