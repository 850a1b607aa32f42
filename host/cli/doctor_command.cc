#include <unistd.h>

#include <cstdlib>

#include "cli/checkup.h"
#include "cli/client.h"
#include "cli/failure.h"
#include "cli/members.h"
#include "cli/verbs.h"
#include "plugin/catalog.h"

namespace heddle {

ExitCode doctor_command(const ClientArguments& arguments, const GeneralArguments& general) {
  Result<HostAddress> address = host_address(arguments.host);
  if (!address) return fail_with(exit_code_of(address.error()), address.error(), general.json);
  const char* const named = ::getenv("HEDDLE_HOST");
  const bool chosen = !arguments.host.url.empty() || (named && *named);
  const bool is_here = address->url.starts_with("http://127.") || address->url.starts_with("http://localhost");
  HostClient client(std::move(*address));
  Checkup checkup;
  const Value host = check_host(checkup, client, chosen, HEDDLE_VERSION);
  check_plugins(checkup, plugin_search_path(general.plugin_dirs));
  check_clock(checkup);
  check_open_files(checkup, is_here ? count_member(host, "pid") : 0);
  if (host) check_work(checkup, client);
  if (!print(general.json ? checkup.json() : checkup.text(!general.quiet, use_color(general.color, STDOUT_FILENO)))) return ExitCode::kIo;
  return checkup.has_errors() ? ExitCode::kFailed : ExitCode::kOk;
}

}  // namespace heddle
