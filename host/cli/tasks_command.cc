#include "cli/client.h"
#include "cli/failure.h"
#include "cli/members.h"
#include "cli/task_text.h"
#include "cli/text_table.h"
#include "cli/verbs.h"
#include "clock.h"
#include "manifest/utf8.h"
#include "value/json_value.h"

namespace heddle {
namespace {

constexpr const char* kNoWorkers = "this host has no chain workers: it gets one with a pipeline that says \"worker\"";

// Also as tables show it where the terminal is narrow: cut, with "…" at its end.
std::string task_path(std::string activity) {
  for (const std::string_view cut : {"…", "..."})
    if (activity.ends_with(cut)) activity.resize(activity.size() - cut.size());
  return "/v1/tasks/" + url_escaped(activity);
}

ExitCode list(HostClient& client, const TasksArguments& tasks, const GeneralArguments& general) {
  std::string path = "/v1/tasks?limit=" + std::to_string(tasks.limit);
  if (!tasks.worker.empty()) path += "&worker=" + url_escaped(tasks.worker);
  if (!tasks.state.empty()) path += "&state=" + url_escaped(tasks.state);
  const HostAnswer answer = client.get(path);
  if (!answer) return fail_with(answer, general);
  if (general.json) return print_json(answer.body);
  const Value workers = answer.body.find("workers"), found = answer.body.find("tasks");
  if (workers.size() == 0) {
    say(kNoWorkers, general);
    return ExitCode::kOk;
  }
  std::string text = worker_table(workers, wall_ms(), table_columns());
  if (found.size() > 0) text += "\n" + task_table(found, wall_ms(), table_columns());
  if (!print(text)) return ExitCode::kIo;
  if (found.size() == 0) say(tasks.state.empty() ? "no tasks" : "no tasks are " + printable(tasks.state), general);
  if (const uint64_t more = count_member(answer.body, "left_off")) say("there are " + std::to_string(more) + " more: --limit, or --state", general);
  return ExitCode::kOk;
}

ExitCode show(HostClient& client, const TasksArguments& tasks, const GeneralArguments& general) {
  const HostAnswer answer = client.get(task_path(tasks.activity));
  if (!answer) return fail_with(answer, general);
  if (general.json) return print_json(answer.body);
  return print(task_detail(answer.body, wall_ms())) ? ExitCode::kOk : ExitCode::kIo;
}

ExitCode cancel(HostClient& client, const TasksArguments& tasks, const GeneralArguments& general) {
  const Value body = tasks.reason.empty() ? Value() : json_object({{"reason", json_text(tasks.reason)}});
  const HostAnswer answer = client.post(task_path(tasks.activity) + "/cancel", body);
  if (!answer) return fail_with(answer, general);
  if (general.json) return print_json(answer.body);
  say("task " + printable(text_member(answer.body, "activity")) + " is given up; the chain is told why", general);
  return ExitCode::kOk;
}

}  // namespace

ExitCode tasks_command(const ClientArguments& arguments, const GeneralArguments& general) {
  const TasksArguments& tasks = arguments.tasks;
  Result<HostAddress> address = host_address(arguments.host);
  if (!address) return fail_with(exit_code_of(address.error()), address.error(), general.json);
  HostClient client(std::move(*address));
  if (tasks.action == TasksAction::kShow) return show(client, tasks, general);
  return tasks.action == TasksAction::kCancel ? cancel(client, tasks, general) : list(client, tasks, general);
}

}  // namespace heddle
