#include <unistd.h>

#include "cli/client.h"
#include "cli/failure.h"
#include "cli/live_view.h"
#include "cli/members.h"
#include "cli/text_table.h"
#include "cli/top_screen.h"
#include "cli/verbs.h"
#include "clock.h"
#include "value/json_value.h"

namespace heddle {
namespace {

constexpr uint64_t kAnswerMs = 5'000;

// `failed` says why where there is none.
std::optional<TopSample> take_sample(HostClient& client, HostAnswer& failed) {
  TopSample sample;
  sample.address = client.address().url;
  const std::pair<const char*, Value*> asked[] = {{"/v1/host", &sample.host}, {"/v1/lanes", &sample.lanes}, {"/v1/jobs?state=running&limit=100", &sample.running}};
  for (const auto& [path, into] : asked) {
    HostAnswer answer = client.get(path, kAnswerMs);
    if (!answer) {
      failed = std::move(answer);
      return std::nullopt;
    }
    *into = std::move(answer.body);
  }
  sample.lanes = sample.lanes.find("lanes");
  sample.running = sample.running.find("jobs");
  sample.at_ms = wall_ms();
  return sample;
}

ExitCode print_once(const TopSample& sample, const GeneralArguments& general) {
  if (general.json) return print_json(json_object({{"host", sample.host}, {"lanes", sample.lanes}, {"running", sample.running}}));
  return print(top_screen(sample, {}, 0, table_columns())) ? ExitCode::kOk : ExitCode::kIo;
}

ExitCode watch(HostClient& client, TopSample sample) {
  TopRates rates;
  rates.update(sample, now_ns());
  const auto look_again = [&]() -> std::optional<std::string> {
    HostAnswer failed;
    std::optional<TopSample> newer = take_sample(client, failed);
    if (!newer) return failed.error.message;
    sample = std::move(*newer);
    rates.update(sample, now_ns());
    return std::nullopt;
  };
  return watch_live({look_again, [&](size_t lines, size_t columns) { return top_screen(sample, rates.rates(), lines, columns); }});
}

}  // namespace

ExitCode top_command(const ClientArguments& arguments, const GeneralArguments& general) {
  Result<HostAddress> address = host_address(arguments.host);
  if (!address) return fail_with(exit_code_of(address.error()), address.error(), general.json);
  if (!arguments.top.once && (general.json || !::isatty(STDOUT_FILENO) || !::isatty(STDIN_FILENO)))
    return fail_with(ExitCode::kUsage, Error("usage", "heddle top draws on a terminal; elsewhere use heddle top --once", ErrorClass::kConfig), general.json);
  HostClient client(std::move(*address));
  HostAnswer failed;
  std::optional<TopSample> sample = take_sample(client, failed);
  if (!sample) return fail_with(failed, general);
  return arguments.top.once ? print_once(*sample, general) : watch(client, std::move(*sample));
}

}  // namespace heddle
