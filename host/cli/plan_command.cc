#include "cli/console.h"
#include "cli/prepare.h"
#include "cli/verbs.h"
#include "log.h"
#include "pipeline/build.h"
#include "pipeline/recursion.h"

namespace heddle {

ExitCode plan_command(const PlanArguments& arguments, const GeneralArguments& general) {
  Prepared prepared = prepare(arguments.manifest, general, CheckLevel::kEnvironment);
  if (prepared.pipeline) check_recursion(prepared.manifest->name, *prepared.manifest, *prepared.catalog, nullptr, *prepared.diagnostics);
  ExitCode code = report_problems(prepared, general);
  if (code != ExitCode::kOk) return code;
  std::string plan = general.json ? plan_json(*prepared.pipeline, arguments.full) : plan_text(*prepared.pipeline, arguments.full);
  if (!plan.ends_with('\n')) plan += '\n';
  return print(log::redacted(plan)) ? code : ExitCode::kIo;
}

}  // namespace heddle
