// heddle: one program, one verb per call.
#include <csignal>

#include "cli/client_program.h"
#include "cli/command_line.h"
#include "cli/verbs.h"
#include "log.h"
#include "plugin/last_words.h"
#include "plugin/library.h"

namespace heddle {
namespace {

ExitCode execute(const CommandLine& line) {
  switch (line.verb) {
    case Verb::kRun:
      return run_command(line.run, line.general);
    case Verb::kValidate:
      return validate_command(line.validate, line.general);
    case Verb::kPlan:
      return plan_command(line.plan, line.general);
    case Verb::kGraph:
      return graph_command(line.graph, line.general);
    case Verb::kInspect:
      return inspect_command(line.inspect, line.general);
    case Verb::kCheck:
      return check_command(line.check, line.general);
    case Verb::kImport:
      return import_command(line.import, line.general);
    case Verb::kNew:
      return new_command(line.new_plugin, line.general);
    case Verb::kSchema:
      return schema_command(line.general);
    case Verb::kTest:
      return test_command(line.test, line.general);
    case Verb::kServe:
      return serve_command(line.serve, line.general);
    case Verb::kConfig:
      return config_command(line.config, line.general);
    case Verb::kHelpExitCodes:
      return exit_codes_command(line.general);
    case Verb::kNone:
    case Verb::kSubmit: case Verb::kJobs: case Verb::kLanes: case Verb::kDlq: case Verb::kEvents: case Verb::kTop: case Verb::kRemotes:
    case Verb::kTasks: case Verb::kTxs: case Verb::kApply: case Verb::kDoctor:
      break;
  }
  return line.exit_code;
}

log::Level log_level(const GeneralArguments& general) {
  if (general.quiet) return log::Level::kError;
  return general.verbose ? log::Level::kDebug : log::Level::kInfo;  // what a Log node says is what was asked for
}

}  // namespace
}  // namespace heddle

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // a closed pipe is an answer of write, not the end of the process
  std::signal(SIGXFSZ, SIG_IGN);  // nor is a file that may not grow any more
  heddle::last_words::install();
  heddle::CommandLine line = heddle::parse_command_line(argc, argv);
  if (heddle::talks_to_a_host(line.verb)) return static_cast<int>(heddle::become_client(argv, line.general.json));
  heddle::log::set_level(heddle::log_level(line.general));
  const heddle::ExitCode code = heddle::execute(line);
  heddle::Library::deinit_all();
  return static_cast<int>(code);
}
