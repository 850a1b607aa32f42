#include "cli/prepare.h"

#include <unistd.h>

#include "cli/console.h"
#include "cli/json_value.h"
#include "cli/source_file.h"
#include "log.h"
#include "pipeline/build.h"

namespace heddle {
namespace {

void say_as_json(const Prepared& prepared) {
  std::vector<std::pair<std::string, Value>> members{{"ok", Value::boolean(prepared.ok())}};
  if (prepared.unreadable)
    members.emplace_back("error", json_text(log::redacted(prepared.unreadable->text())));
  else
    members.emplace_back("diagnostics", json_or_text(prepared.diagnostics->json()));
  // stderr is the last resort: where it fails there is nobody left to tell.
  (void)write_all(STDERR_FILENO, json_object(std::move(members)).json() + "\n").has_value();
}

}  // namespace

Prepared prepare(const ManifestArguments& arguments, const GeneralArguments& general, CheckLevel level) {
  Result<std::string> text = read_source(arguments.path);
  if (text) return prepare_text(*text, arguments, general, level);
  Prepared out;
  out.unreadable = std::move(text).error();
  return out;
}

Prepared prepare_text(std::string_view text, const ManifestArguments& arguments, const GeneralArguments& general, CheckLevel level) {
  Prepared out;
  std::string file = source_name(arguments.path);
  out.diagnostics.emplace(file, text);
  ReadOptions options;
  options.params = arguments.params;
  options.substitute = level == CheckLevel::kEnvironment;
  options.even_with_errors = level != CheckLevel::kSyntax;
  out.manifest = read_manifest(text, file, options, *out.diagnostics);
  if (!out.manifest) return out;
  if (level == CheckLevel::kGraph) check_graph(*out.manifest, *out.diagnostics);
  if (level != CheckLevel::kEnvironment) return out;
  out.catalog = Catalog::scan(plugin_search_path(general.plugin_dirs));
  out.pipeline = build_pipeline(*out.manifest, *out.catalog, *out.diagnostics);
  return out;
}

ExitCode report_problems(const Prepared& prepared, const GeneralArguments& general) {
  bool worth_saying = !prepared.ok() || (!general.quiet && !prepared.diagnostics->all().empty());
  if (worth_saying && general.json) {
    say_as_json(prepared);
  } else if (worth_saying && prepared.unreadable) {
    complain(prepared.unreadable->text());
  } else if (worth_saying) {
    (void)write_all(STDERR_FILENO, prepared.diagnostics->text(use_color(general.color, STDERR_FILENO))).has_value();
  }
  if (prepared.unreadable) return ExitCode::kIo;
  return prepared.ok() ? ExitCode::kOk : ExitCode::kManifestInvalid;
}

}  // namespace heddle
