#include <unistd.h>

#include "cli/client.h"
#include "cli/failure.h"
#include "cli/live_screen.h"
#include "cli/members.h"
#include "cli/text_table.h"
#include "cli/top_screen.h"
#include "cli/verbs.h"
#include "clock.h"
#include "manifest/utf8.h"
#include "value/json_value.h"

namespace heddle {
namespace {

constexpr uint64_t kEveryNs = kNsPerSecond;
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

// A host that goes away leaves its last screen, with the reason below; it is asked again each second.
ExitCode watch(HostClient& client, TopSample sample) {
  LiveScreen screen;
  TopRates rates;
  rates.update(sample, now_ns());
  std::string below = "q ends";
  for (uint64_t next = now_ns() + kEveryNs;;) {
    const LiveScreen::Size size = screen.size();
    const std::string text = top_screen(sample, rates.rates(), size.lines > 1 ? size.lines - 1 : 1, size.columns);
    if (!screen.draw(text + cut_to(printable(below), size.columns))) return ExitCode::kIo;
    switch (screen.wait(next)) {
      case LiveScreen::Event::kStop:
        return screen.stopped_by() == SIGTERM ? ExitCode::kTerminated : screen.stopped_by() == SIGINT ? ExitCode::kInterrupted : ExitCode::kIo;
      case LiveScreen::Event::kKey:
        if (screen.key() == 'q' || screen.key() == 'Q') return ExitCode::kOk;
        break;
      case LiveScreen::Event::kResized:
        break;
      case LiveScreen::Event::kTime: {
        HostAnswer failed;
        if (std::optional<TopSample> newer = take_sample(client, failed)) {
          sample = std::move(*newer);
          rates.update(sample, now_ns());
          below = "q ends";
        } else {
          below = "q ends; since " + std::to_string((wall_ms() - sample.at_ms) / 1000) + " s: " + failed.error.message;
        }
        next = now_ns() + kEveryNs;
      }
    }
  }
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
