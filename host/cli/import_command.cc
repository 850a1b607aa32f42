#include <unistd.h>

#include "cli/console.h"
#include "cli/failure.h"
#include "value/json_value.h"
#include "cli/prepare.h"
#include "cli/source_file.h"
#include "cli/verbs.h"

namespace heddle {
namespace {

std::string as_json(const Manifest& manifest, const std::string& text) {
  std::vector<Value> report;
  for (const std::string& sentence : manifest.import_report) report.push_back(json_text(sentence));
  return json_object(
             {{"dialect", json_text(manifest.dialect)}, {"report", Value::list(std::move(report))}, {"manifest", json_or_text(text)}})
             .json() +
         "\n";
}

void say_report(const ImportArguments& arguments, const Manifest& manifest) {
  if (arguments.report) {
    for (const std::string& sentence : manifest.import_report) complain(sentence);
  } else if (!manifest.import_report.empty()) {
    complain(std::to_string(manifest.import_report.size()) + " things were changed or could not be used; --report lists them");
  }
}

}  // namespace

ExitCode import_command(const ImportArguments& arguments, const GeneralArguments& general) {
  Prepared prepared = prepare({arguments.path, {}}, general, CheckLevel::kSyntax);
  ExitCode code = report_problems(prepared, general);
  if (code != ExitCode::kOk) return code;
  std::string text = to_heddle1(*prepared.manifest);
  if (!text.ends_with('\n')) text += '\n';
  Result<void> written = write_target(arguments.output.value_or("-"), general.json ? as_json(*prepared.manifest, text) : text);
  if (!written) return fail_with(ExitCode::kIo, written.error(), general.json);
  if (!general.json && !general.quiet) say_report(arguments, *prepared.manifest);
  return code;
}

}  // namespace heddle
