#include <unistd.h>

#include <algorithm>

#include "cli/configuration.h"
#include "cli/console.h"
#include "cli/failure.h"
#include "cli/verbs.h"
#include "serve/daemon.h"
#include "value/json_value.h"

namespace heddle {
namespace {

// Whether it has no plugin for something that it needs, and plugins that are not trusted.
bool lacks_untrusted(const Configuration& read, const Catalog& catalog) {
  const auto lacks = [](const ConfigText& text) {
    const auto& all = text.diagnostics.all();
    return std::any_of(all.begin(), all.end(), [](const Diagnostic& one) { return one.code == "unknown-type"; });
  };
  return catalog.distrusts() && std::any_of(read.texts.begin(), read.texts.end(), lacks);
}

Configuration read(const ServeArguments& arguments, const GeneralArguments& general) {
  Configuration out = read_configuration(config_files(arguments.config), arguments, general.plugin_dirs);
  if (!out.config) return out;
  const Catalog catalog = Catalog::installed(plugin_search_path(out.config->plugin_dirs), &out.config->plugins);
  check_types(*out.config, catalog, out.texts);
  if (std::none_of(out.texts.begin(), out.texts.end(), [](const ConfigText& one) { return one.diagnostics.has_errors(); })) return out;
  out.untrusted = lacks_untrusted(out, catalog);
  out.config.reset();
  return out;
}

Result<ServeConfig> config_or_why(Configuration read) {
  if (read.config) return *std::move(read.config);
  if (read.error) return *std::move(read.error);
  return Error("bad-config", "the configuration has errors:\n" + config_faults(read, false), ErrorClass::kConfig);
}

ExitCode code_of_start(const Error& why) {
  if (why.code == "not-trusted") return ExitCode::kNotTrusted;
  return why.error_class == ErrorClass::kConfig ? ExitCode::kManifestInvalid : ExitCode::kIo;
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
  Configuration first = read(arguments, general);
  if (!first.config) return refuse(first, general);
  Console console(general.json);
  Daemon daemon({.config = *std::move(first.config),
                 .read_again = [&] { return config_or_why(read(arguments, general)); },
                 .version = HEDDLE_VERSION});
  if (auto started = daemon.start(); !started) {
    const ExitCode code = fail_with(code_of_start(started.error()), started.error(), general.json);
    if (daemon.leaves_threads()) ::_exit(static_cast<int>(code));
    return code;
  }
  if (!general.quiet && !say_ready(daemon, console, general.json)) return ExitCode::kIo;
  if (!daemon.run()) ::_exit(0);
  return ExitCode::kOk;
}

}  // namespace heddle
