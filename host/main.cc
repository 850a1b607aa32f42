// heddle: one program, one verb per call.
#include <csignal>

#include "cli/command_line.h"
#include "cli/verbs.h"
#include "log.h"

namespace heddle {
namespace {

ExitCode execute(const CommandLine& line) {
  switch (line.verb) {
    case Verb::kRun:
      return run_command(line.run, line.common);
    case Verb::kValidate:
      return validate_command(line.validate, line.common);
    case Verb::kPlan:
      return plan_command(line.plan, line.common);
    case Verb::kGraph:
      return graph_command(line.graph, line.common);
    case Verb::kInspect:
      return inspect_command(line.inspect, line.common);
    case Verb::kImport:
      return import_command(line.import, line.common);
    case Verb::kSchema:
      return schema_command(line.common);
    case Verb::kTest:
      return test_command(line.test, line.common);
    case Verb::kHelpExitCodes:
      return exit_codes_command(line.common);
    case Verb::kNone:
      break;
  }
  return line.exit_code;
}

log::Level log_level(const CommonArguments& common) {
  if (common.quiet) return log::Level::kError;
  return common.verbose ? log::Level::kInfo : log::Level::kWarn;
}

}  // namespace
}  // namespace heddle

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // a closed pipe is an answer of write, not the end of the process
  heddle::CommandLine line = heddle::parse_command_line(argc, argv);
  heddle::log::set_level(heddle::log_level(line.common));
  return static_cast<int>(heddle::execute(line));
}
