#include "cli/console.h"
#include "value/json_value.h"
#include "cli/prepare.h"
#include "cli/verbs.h"
#include "pipeline/recursion.h"
#include "pipeline/try_params.h"

namespace heddle {
namespace {

std::string verdict_json(const Prepared& prepared, const std::string& file) {
  std::vector<std::pair<std::string, Value>> members{{"ok", Value::boolean(prepared.ok())}, {"file", json_text(file)}};
  if (prepared.unreadable) members.emplace_back("error", json_text(prepared.unreadable->text()));
  if (prepared.manifest) {
    members.emplace_back("nodes", json_count(prepared.manifest->nodes.size()));
    members.emplace_back("connections", json_count(prepared.manifest->connections.size()));
  }
  if (prepared.diagnostics) members.emplace_back("diagnostics", json_or_text(prepared.diagnostics->json()));
  return json_object(std::move(members)).json() + "\n";
}

std::string counted(size_t n, const std::string& noun) { return std::to_string(n) + " " + noun + (n == 1 ? "" : "s"); }

}  // namespace

ExitCode validate_command(const ValidateArguments& arguments, const GeneralArguments& general) {
  Prepared prepared = prepare(arguments.manifest, general, arguments.level);
  if (prepared.pipeline) try_params(*prepared.pipeline, *prepared.diagnostics);
  if (prepared.pipeline && !prepared.diagnostics->has_errors()) check_recursion(prepared.manifest->name, *prepared.manifest, *prepared.catalog, nullptr, *prepared.diagnostics);
  if (general.json) {
    if (!print(verdict_json(prepared, arguments.manifest.path))) return ExitCode::kIo;
    if (prepared.unreadable) return ExitCode::kIo;
    return prepared.ok() ? ExitCode::kOk : ExitCode::kManifestInvalid;
  }
  ExitCode code = report_problems(prepared, general);
  if (code != ExitCode::kOk || general.quiet) return code;
  const Manifest& m = *prepared.manifest;
  return print("ok: " + counted(m.nodes.size(), "node") + ", " + counted(m.connections.size(), "connection") + "\n") ? code : ExitCode::kIo;
}

}  // namespace heddle
