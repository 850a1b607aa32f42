#include <unistd.h>

#include <filesystem>

#include "cli/checkup.h"
#include "cli/client.h"
#include "cli/failure.h"
#include "cli/members.h"
#include "cli/verbs.h"
#include "plugin/catalog.h"

namespace heddle {
namespace {

// Where a host is set up or runs here: its configuration, plugins, disk and limits.
void check_here(Checkup& checkup, const std::optional<std::string>& config_asked, const std::vector<std::string>& plugin_dirs, uint64_t pid) {
  const std::optional<ServeConfig> config = check_config(checkup, config_asked);
  std::vector<std::string> extra = plugin_dirs;
  if (config) extra.insert(extra.end(), config->plugin_dirs.begin(), config->plugin_dirs.end());
  check_plugins(checkup, plugin_search_path(extra), config ? &config->plugins : nullptr);
  if (config && config->store) {
    const std::filesystem::path file = text_member(config->store->params, "path");
    if (!file.empty()) check_room(checkup, file.has_parent_path() ? file.parent_path().string() : ".", "the store");
  }
  check_open_files(checkup, pid);
}

}  // namespace

ExitCode doctor_command(const ClientArguments& arguments, const GeneralArguments& general) {
  Result<HostAddress> address = host_address(arguments.host);
  if (!address) return fail_with(exit_code_of(address.error()), address.error(), general.json);
  const bool chosen = !address->url_from.name.empty();
  const bool is_here = address->is_here();
  HostClient client(std::move(*address));
  Checkup checkup;
  const Value host = check_host(checkup, client, chosen, HEDDLE_VERSION);
  if (is_here || arguments.doctor.config)
    check_here(checkup, arguments.doctor.config, general.plugin_dirs, is_here ? count_member(host, "pid") : 0);
  else
    checkup.unknown("config", "not checked: the host is on another machine; heddle doctor there checks its configuration, plugins, disk and limits");
  check_clock(checkup);
  if (host) check_work(checkup, client);
  if (!print(general.json ? checkup.json() : checkup.text(!general.quiet, use_color(general.color, STDOUT_FILENO)))) return ExitCode::kIo;
  return checkup.has_errors() ? ExitCode::kFailed : ExitCode::kOk;
}

}  // namespace heddle
