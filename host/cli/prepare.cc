#include "cli/prepare.h"

#include <unistd.h>

#include "cli/console.h"
#include "cli/failure.h"
#include "value/json_value.h"
#include "cli/remotes_config.h"
#include "cli/source_file.h"
#include "pipeline/build.h"
#include "pipeline/recursion.h"

namespace heddle {
namespace {

void say_as_json(const Prepared& prepared) {
  const Value out = json_object({{"ok", Value::boolean(prepared.ok())}, {"diagnostics", json_or_text(prepared.diagnostics->json())}});
  (void)write_all(STDERR_FILENO, out.json() + "\n").has_value();  // stderr is the last resort
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
  out.catalog = Catalog::installed(plugin_search_path(general.plugin_dirs));
  RemoteHosts others(read_remotes_config, *out.catalog);
  out.pipeline = build_pipeline(*out.manifest, *out.catalog, *out.diagnostics, &others);
  if (out.pipeline) check_recursion(out.manifest->name, *out.manifest, *out.catalog, nullptr, *out.diagnostics);
  return out;
}

ExitCode report_problems(const Prepared& prepared, const GeneralArguments& general) {
  if (prepared.unreadable) return fail_with(ExitCode::kIo, *prepared.unreadable, general.json);
  bool worth_saying = !prepared.ok() || (!general.quiet && !prepared.diagnostics->all().empty());
  if (worth_saying && general.json) {
    say_as_json(prepared);
  } else if (worth_saying) {
    (void)write_all(STDERR_FILENO, prepared.diagnostics->text(use_color(general.color, STDERR_FILENO))).has_value();
  }
  return prepared.ok() ? ExitCode::kOk : ExitCode::kManifestInvalid;
}

}  // namespace heddle
