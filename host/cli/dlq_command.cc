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

ExitCode list(HostClient& client, const DlqArguments& dlq, const GeneralArguments& general) {
  const HostAnswer answer = client.get("/v1/dlq?limit=" + std::to_string(dlq.limit) + (dlq.after ? "&after=" + std::to_string(dlq.after) : ""));
  if (!answer) return fail_with(answer, general);
  if (general.json) return print_json(answer.body);
  const Value dead = answer.body.find("jobs");
  if (dead.size() == 0) say("no dead letters", general);
  if (dead.size() > 0 && !print(dead_table(dead, wall_ms(), table_columns()))) return ExitCode::kIo;
  if (const uint64_t next = count_member(answer.body, "next")) say("there are more: --after " + std::to_string(next), general);
  if (const uint64_t lost = count_member(answer.body, "lost")) say(std::to_string(lost) + " older ones went, because there were too many to keep", general);
  return ExitCode::kOk;
}

ExitCode show(HostClient& client, uint64_t id, const GeneralArguments& general) {
  const HostAnswer answer = client.get("/v1/dlq/" + std::to_string(id));
  if (!answer) return fail_with(answer, general);
  if (general.json) return print_json(answer.body);
  return print(job_detail(answer.body, wall_ms())) ? ExitCode::kOk : ExitCode::kIo;
}

HostAnswer change(HostClient& client, DlqAction action, const std::string& which) {
  if (action == DlqAction::kRequeue) return client.post("/v1/dlq" + which + "/requeue");
  return client.remove("/v1/dlq" + which);
}

ExitCode change_all(HostClient& client, DlqAction action, const GeneralArguments& general) {
  const HostAnswer answer = change(client, action, "");
  if (!answer) return fail_with(answer, general);
  if (general.json) return print_json(answer.body);
  const char* const key = action == DlqAction::kRequeue ? "requeued" : "discarded";
  const uint64_t n = count_member(answer.body, key);
  say(std::to_string(n) + (n == 1 ? " job was " : " jobs were ") + key, general);
  return ExitCode::kOk;
}

// All of them, whatever becomes of each; the first failure is the exit code.
ExitCode change_some(HostClient& client, const DlqArguments& dlq, const GeneralArguments& general) {
  ExitCode code = ExitCode::kOk;
  const char* const done = dlq.action == DlqAction::kRequeue ? "requeued" : "discarded";
  std::vector<Value> changed;
  for (const uint64_t id : dlq.ids) {
    const HostAnswer answer = change(client, dlq.action, "/" + std::to_string(id));
    if (!answer) {
      const ExitCode failed = fail_with(answer, general);
      if (code == ExitCode::kOk) code = failed;
      if (failed == ExitCode::kUnreachable) break;
      continue;
    }
    if (!general.json) say("job " + std::to_string(id) + " was " + done, general);
    changed.push_back(json_count(id));
  }
  if (!general.json) return code;
  const ExitCode printed = print_json(json_object({{done, Value::list(std::move(changed))}}));
  return code == ExitCode::kOk ? printed : code;
}

}  // namespace

ExitCode dlq_command(const ClientArguments& arguments, const GeneralArguments& general) {
  const DlqArguments& dlq = arguments.dlq;
  Result<HostAddress> address = host_address(arguments.host);
  if (!address) return fail_with(exit_code_of(address.error()), address.error(), general.json);
  HostClient client(std::move(*address));
  if (dlq.action == DlqAction::kList) return list(client, dlq, general);
  if (dlq.action == DlqAction::kShow) return show(client, dlq.ids.front(), general);
  return dlq.all ? change_all(client, dlq.action, general) : change_some(client, dlq, general);
}

}  // namespace heddle
