#include <unistd.h>

#include "cli/console.h"
#include "cli/failure.h"
#include "cli/prepare.h"
#include "cli/source_file.h"
#include "cli/verbs.h"
#include "manifest/activity_spec.h"
#include "pipeline/try_params.h"
#include "value/json_value.h"

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

bool is_activity_spec(std::string_view path) { return path.ends_with(".yaml") || path.ends_with(".yml"); }

ExitCode validate_spec(const std::string& path, const GeneralArguments& general) {
  const Result<std::string> text = read_source(path);
  if (!text) return fail_with(ExitCode::kIo, text.error(), general.json);
  const std::string file = source_name(path);
  Diagnostics diagnostics(file, *text);
  const auto spec = read_activity_spec(*text, file, diagnostics);
  const ExitCode code = spec ? ExitCode::kOk : ExitCode::kManifestInvalid;
  const size_t activities = spec ? spec->activities.size() : 0;
  if (general.json) {
    const Value verdict = json_object({{"ok", Value::boolean(spec.has_value())}, {"file", json_text(path)}, {"activities", json_count(activities)}, {"diagnostics", json_or_text(diagnostics.json())}});
    return print(verdict.json() + "\n") ? code : ExitCode::kIo;
  }
  if (!spec) (void)write_all(STDERR_FILENO, diagnostics.text(use_color(general.color, STDERR_FILENO))).has_value();
  if (!spec || general.quiet) return code;
  return print("ok: " + std::to_string(activities) + (activities == 1 ? " activity\n" : " activities\n")) ? code : ExitCode::kIo;
}

}  // namespace

ExitCode validate_command(const ValidateArguments& arguments, const GeneralArguments& general) {
  if (is_activity_spec(arguments.manifest.path)) return validate_spec(arguments.manifest.path, general);
  Prepared prepared = prepare(arguments.manifest, general, arguments.level);
  if (prepared.pipeline) try_params(*prepared.pipeline, *prepared.diagnostics);
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
