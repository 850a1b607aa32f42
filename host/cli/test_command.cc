#include <unistd.h>

#include "cli/console.h"
#include "value/json_value.h"
#include "cli/prepare.h"
#include "cli/test_run.h"
#include "cli/verbs.h"
#include "log.h"

namespace heddle {
namespace {

std::string verdict_text(const TestVerdict& verdict) {
  std::string out = (verdict.passed() ? "pass  " : "FAIL  ") + verdict.name + "\n";
  for (const std::string& line : verdict.differences) out += "      " + line + "\n";
  return log::redacted(out);
}

Value verdict_json(const TestVerdict& verdict) {
  std::vector<Value> differences;
  for (const std::string& line : verdict.differences) differences.push_back(json_text(log::redacted(line)));
  return json_object({{"name", json_text(verdict.name)},
                      {"passed", Value::boolean(verdict.passed())},
                      {"differences", Value::list(std::move(differences))}});
}

}  // namespace

ExitCode test_command(const TestArguments& arguments, const GeneralArguments& general) {
  Prepared prepared = prepare(arguments.manifest, general, CheckLevel::kEnvironment);
  ExitCode code = report_problems(prepared, general);
  if (code != ExitCode::kOk) return code;

  const Manifest& manifest = *prepared.manifest;
  Lanes lanes(arguments.threads);
  Outside outside(lanes, std::shared_ptr<const Catalog>(std::shared_ptr<void>(), &*prepared.catalog));  // which outlives it
  size_t failed = 0;
  std::vector<Value> verdicts;
  for (size_t i = 0; i < manifest.tests.size(); ++i) {
    TestVerdict verdict = run_test(manifest, i, *prepared.catalog, lanes, outside);
    failed += !verdict.passed();
    if (general.json)
      verdicts.push_back(verdict_json(verdict));
    else if ((!general.quiet || !verdict.passed()) && !print(verdict_text(verdict)))
      code = ExitCode::kIo;
  }
  std::string summary = std::to_string(manifest.tests.size() - failed) + " of " + std::to_string(manifest.tests.size()) + " tests passed\n";
  if (general.json) summary = json_object({{"ok", Value::boolean(failed == 0)}, {"tests", Value::list(std::move(verdicts))}}).json() + "\n";
  if ((general.json || !general.quiet) && !print(summary)) code = ExitCode::kIo;
  if (code == ExitCode::kOk && failed) code = ExitCode::kFailed;
  // A thread that never came back may still touch its run: nothing may be taken down under it.
  if (lanes.abandoned() > 0) ::_exit(static_cast<int>(code));
  return code;
}

}  // namespace heddle
