// heddle-client: the verbs that talk to a running host. `heddle` becomes it.
#include <csignal>

#include "cli/command_line.h"
#include "cli/failure.h"
#include "cli/verbs.h"
#include "plugin/last_words.h"

namespace heddle {
namespace {

ExitCode execute(const CommandLine& line) {
  switch (line.verb) {
    case Verb::kSubmit:
      return submit_command(line.client, line.general);
    case Verb::kJobs:
      return jobs_command(line.client, line.general);
    case Verb::kLanes:
      return lanes_command(line.client, line.general);
    case Verb::kDlq:
      return dlq_command(line.client, line.general);
    case Verb::kEvents:
      return events_command(line.client, line.general);
    case Verb::kTop:
      return top_command(line.client, line.general);
    case Verb::kRemotes:
      return remotes_command(line.client, line.general);
    case Verb::kTasks:
      return tasks_command(line.client, line.general);
    case Verb::kTxs:
      return txs_command(line.client, line.general);
    case Verb::kApply:
      return apply_command(line.client, line.general);
    case Verb::kDoctor:
      return doctor_command(line.client, line.general);
    case Verb::kNone:
      return line.exit_code;
    default:
      return fail_with(ExitCode::kUsage, Error("usage", "heddle-client only talks to running hosts: call heddle", ErrorClass::kConfig), line.general.json);
  }
}

}  // namespace
}  // namespace heddle

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // a closed pipe is an answer of write, not the end of the process
  heddle::last_words::install();
  return static_cast<int>(heddle::execute(heddle::parse_command_line(argc, argv)));
}
