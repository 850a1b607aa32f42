#include "cli/client.h"
#include "cli/failure.h"
#include "cli/lane_text.h"
#include "cli/text_table.h"
#include "cli/verbs.h"
#include "value/json_value.h"

namespace heddle {
namespace {

// "max_concurrency=4" and the like as an object: a value that is no JSON is a text.
Value settings_of(const LanesArguments& lanes) {
  std::vector<std::pair<std::string, Value>> members;
  for (const std::string& setting : lanes.settings) {
    const size_t equals = setting.find('=');
    members.emplace_back(setting.substr(0, equals), json_or_text(std::string_view(setting).substr(equals + 1)));
  }
  return json_object(std::move(members));
}

ExitCode list(HostClient& client, const GeneralArguments& general) {
  const HostAnswer answer = client.get("/v1/lanes");
  if (!answer) return fail_with(answer, general);
  if (general.json) return print_json(answer.body);
  return print(lane_table(answer.body.find("lanes"), {}, table_columns())) ? ExitCode::kOk : ExitCode::kIo;
}

HostAnswer ask(HostClient& client, const LanesArguments& lanes) {
  const std::string path = "/v1/lanes/" + url_escaped(lanes.name);
  switch (lanes.action) {
    case LanesAction::kPause:
      return client.post(path + "/pause");
    case LanesAction::kResume:
      return client.post(path + "/resume");
    case LanesAction::kSet:
      return client.patch(path, settings_of(lanes));
    default:
      return client.get(path);
  }
}

}  // namespace

ExitCode lanes_command(const ClientArguments& arguments, const GeneralArguments& general) {
  const LanesArguments& lanes = arguments.lanes;
  Result<HostAddress> address = host_address(arguments.host);
  if (!address) return fail_with(exit_code_of(address.error()), address.error(), general.json);
  HostClient client(std::move(*address));
  if (lanes.action == LanesAction::kList) return list(client, general);
  const HostAnswer answer = ask(client, lanes);
  if (!answer) return fail_with(answer, general);
  if (general.json) return print_json(answer.body);
  const std::string lane = "lane " + lanes.name;
  if (lanes.action == LanesAction::kPause) return say(lane + " is paused: it starts nothing more; what runs, runs on", general), ExitCode::kOk;
  if (lanes.action == LanesAction::kResume) return say(lane + " starts jobs again", general), ExitCode::kOk;
  if (lanes.action == LanesAction::kSet && general.quiet) return ExitCode::kOk;
  return print(lane_detail(answer.body)) ? ExitCode::kOk : ExitCode::kIo;
}

}  // namespace heddle
