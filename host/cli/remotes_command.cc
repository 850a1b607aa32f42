#include <unistd.h>

#include "cli/client.h"
#include "cli/failure.h"
#include "cli/live_view.h"
#include "cli/remotes_text.h"
#include "cli/text_table.h"
#include "cli/time_text.h"
#include "cli/verbs.h"
#include "clock.h"
#include "manifest/utf8.h"

namespace heddle {
namespace {

constexpr uint64_t kAnswerMs = 5'000;

HostAnswer look(HostClient& client) { return client.get("/v1/remotes", kAnswerMs); }

ExitCode watch(HostClient& client, Value shown) {
  uint64_t at_ms = wall_ms();
  const auto look_again = [&]() -> std::optional<std::string> {
    HostAnswer answer = look(client);
    if (!answer) return answer.error.message;
    shown = answer.body;
    at_ms = wall_ms();
    return std::nullopt;
  };
  const auto text = [&](size_t lines, size_t columns) {
    return fitted(printable("remotes of " + client.address().url) + "   " + local_time(at_ms) + "\n\n" + remotes_text(shown, columns), lines, columns);
  };
  return watch_live({look_again, text});
}

}  // namespace

ExitCode remotes_command(const ClientArguments& arguments, const GeneralArguments& general) {
  Result<HostAddress> address = host_address(arguments.host);
  if (!address) return fail_with(exit_code_of(address.error()), address.error(), general.json);
  HostClient client(std::move(*address));
  const HostAnswer answer = look(client);
  if (!answer) return fail_with(answer, general);
  if (general.json) return print_json(answer.body);
  if (!arguments.remotes.once && ::isatty(STDOUT_FILENO) && ::isatty(STDIN_FILENO)) return watch(client, answer.body);
  return print(remotes_text(answer.body, table_columns())) ? ExitCode::kOk : ExitCode::kIo;
}

}  // namespace heddle
