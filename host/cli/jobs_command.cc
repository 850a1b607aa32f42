#include "cli/client.h"
#include "cli/failure.h"
#include "cli/job_text.h"
#include "cli/members.h"
#include "cli/text_table.h"
#include "cli/verbs.h"
#include "clock.h"
#include "value/json_value.h"

namespace heddle {
namespace {

std::string list_path(const JobsArguments& jobs) {
  std::string path = "/v1/jobs?limit=" + std::to_string(jobs.limit);
  const auto add = [&](const char* name, const std::string& text) {
    if (!text.empty()) path += std::string("&") + name + "=" + url_escaped(text);
  };
  add("lane", jobs.lane);
  add("type", jobs.type);
  add("state", jobs.state);
  if (jobs.after) add("after", std::to_string(jobs.after));
  else add("before", std::to_string(jobs.before));
  return path;
}

ExitCode list(HostClient& client, const JobsArguments& jobs, const GeneralArguments& general) {
  const HostAnswer answer = client.get(list_path(jobs));
  if (!answer) return fail_with(answer, general);
  if (general.json) return print_json(answer.body);
  const Value found = answer.body.find("jobs");
  if (found.size() == 0) {
    say("no jobs", general);
    return ExitCode::kOk;
  }
  if (!print(job_table(found, wall_ms(), table_columns()))) return ExitCode::kIo;
  if (const uint64_t next = count_member(answer.body, "next")) say("there are more: " + std::string(jobs.after ? "--after " : "--before ") + std::to_string(next), general);
  return ExitCode::kOk;
}

ExitCode show(HostClient& client, uint64_t id, const GeneralArguments& general) {
  const HostAnswer answer = client.get("/v1/jobs/" + std::to_string(id));
  if (!answer) return fail_with(answer, general);
  if (general.json) return print_json(answer.body);
  return print(job_detail(answer.body, wall_ms())) ? ExitCode::kOk : ExitCode::kIo;
}

// All of them, whatever becomes of each; the first failure is the exit code.
ExitCode cancel(HostClient& client, const std::vector<uint64_t>& ids, const GeneralArguments& general) {
  ExitCode code = ExitCode::kOk;
  std::vector<Value> cancelled;
  for (const uint64_t id : ids) {
    const HostAnswer answer = client.post("/v1/jobs/" + std::to_string(id) + "/cancel");
    if (!answer) {
      const ExitCode failed = fail_with(answer, general);
      if (code == ExitCode::kOk) code = failed;
      if (failed == ExitCode::kUnreachable) break;
      continue;
    }
    if (!general.json) say("job " + std::to_string(id) + (flag_member(answer.body, "over") ? " is cancelled" : " runs and was told to stop"), general);
    cancelled.push_back(answer.body);
  }
  if (!general.json) return code;
  const ExitCode printed = print_json(json_object({{"cancelled", Value::list(std::move(cancelled))}}));
  return code == ExitCode::kOk ? printed : code;
}

}  // namespace

ExitCode jobs_command(const ClientArguments& arguments, const GeneralArguments& general) {
  const JobsArguments& jobs = arguments.jobs;
  Result<HostAddress> address = host_address(arguments.host);
  if (!address) return fail_with(exit_code_of(address.error()), address.error(), general.json);
  if (jobs.action == JobsAction::kWait) {
    StopSignals signals;
    HostClient client(std::move(*address), signals.fd());
    return wait_for_job(client, signals, jobs.ids.front(), jobs.timeout_ms, general);
  }
  HostClient client(std::move(*address));
  switch (jobs.action) {
    case JobsAction::kShow:
      return show(client, jobs.ids.front(), general);
    case JobsAction::kCancel:
      return cancel(client, jobs.ids, general);
    default:
      return list(client, jobs, general);
  }
}

}  // namespace heddle
