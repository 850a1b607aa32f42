#include "cli/client.h"
#include "cli/failure.h"
#include "cli/verbs.h"
#include "manifest/utf8.h"

namespace heddle {
namespace {

constexpr uint64_t kReloadMs = 120'000;  // plugins are loaded and nodes made meanwhile

// "+ pipeline triple" for each of a list of names.
std::string lines_of(const Value& names, std::string_view mark, std::string_view what) {
  std::string out;
  for (size_t i = 0; i < names.size(); ++i) out.append(mark).append(" ").append(what).append(" ").append(printable(names.at(i).as_text().value_or(""))).append("\n");
  return out;
}

// What the answer to POST /v1/reload says has changed, a line each.
std::string changes_of(const Value& body) {
  const Value pipelines = body.find("pipelines"), listeners = body.find("listeners");
  const std::string out = lines_of(pipelines.find("added"), "+", "pipeline") + lines_of(pipelines.find("changed"), "~", "pipeline") + lines_of(pipelines.find("removed"), "-", "pipeline") +
                          lines_of(body.find("lanes"), "~", "lane") + lines_of(listeners.find("opened"), "+", "listener") + lines_of(listeners.find("changed"), "~", "listener") +
                          lines_of(listeners.find("closed"), "-", "listener") +
                          lines_of(body.find("settings"), "~", "setting") + lines_of(body.find("notes"), "!", "note:");
  return out.empty() ? "nothing has changed\n" : out;
}

}  // namespace

ExitCode apply_command(const ClientArguments& arguments, const GeneralArguments& general) {
  Result<HostAddress> address = host_address(arguments.host);
  if (!address) return fail_with(exit_code_of(address.error()), address.error(), general.json);
  HostClient client(std::move(*address));
  HostAnswer answer = client.post("/v1/reload", {}, kReloadMs);
  if (!answer) {
    if (answer.error.code == "invalid") answer.code = ExitCode::kManifestInvalid;  // the host's files are
    return fail_with(answer, general);
  }
  if (general.json) return print_json(answer.body);
  return general.quiet || print(changes_of(answer.body)) ? ExitCode::kOk : ExitCode::kIo;
}

}  // namespace heddle
