#include "cli/client.h"
#include "cli/failure.h"
#include "cli/members.h"
#include "cli/source_file.h"
#include "cli/verbs.h"
#include "value/json_value.h"

namespace heddle {
namespace {

// Empty: the job has none.
Result<Value> payload_of(const SubmitArguments& submit) {
  std::string text, source;
  if (submit.payload && *submit.payload != "-") {
    text = *submit.payload;
    source = "the payload";
  } else if (submit.payload || submit.payload_file) {
    const std::string path = submit.payload ? "-" : *submit.payload_file;
    source = source_name(path);
    Result<std::string> read = read_source(path);
    if (!read) return std::move(read).error();
    text = std::move(*read);
  } else {
    return Value();
  }
  Result<Value> value = Value::parse(text);
  if (value) return value;
  const char* const hint = submit.payload ? " (a text is written with its quotes: '\"like this\"')" : "";
  return Error("usage", source + " is not JSON: " + value.error().message + hint, ErrorClass::kConfig);
}

Value job_spec(const SubmitArguments& submit, Value payload) {
  std::vector<std::pair<std::string, Value>> members{{"type", json_text(submit.type)}};
  const auto add_text = [&](const char* key, const std::string& text) {
    if (!text.empty()) members.emplace_back(key, json_text(text));
  };
  const auto add_count = [&](const char* key, std::optional<uint64_t> n) {
    if (n) members.emplace_back(key, json_count(*n));
  };
  if (payload) members.emplace_back("payload", std::move(payload));
  add_text("lane", submit.lane);
  add_count("priority", submit.priority);
  if (submit.key) add_text("key", *submit.key);
  add_count("deadline_ms", submit.deadline_ms);
  add_count("delay_ms", submit.delay_ms);
  add_count("run_at", submit.run_at_ms);
  add_text("idempotency_key", submit.idempotency_key);
  std::vector<Value> after;
  for (const uint64_t id : submit.after) after.push_back(json_count(id));
  if (!after.empty()) members.emplace_back("after", Value::list(std::move(after)));
  return json_object(std::move(members));
}

}  // namespace

ExitCode submit_command(const ClientArguments& arguments, const GeneralArguments& general) {
  const SubmitArguments& submit = arguments.submit;
  Result<HostAddress> address = host_address(arguments.host);
  if (!address) return fail_with(exit_code_of(address.error()), address.error(), general.json);
  Result<Value> payload = payload_of(submit);
  if (!payload) return fail_with(exit_code_of(payload.error()), payload.error(), general.json);
  StopSignals signals;
  HostClient client(std::move(*address), signals.fd());
  HostAnswer job = client.post("/v1/jobs", job_spec(submit, std::move(*payload)));
  if (job.code == ExitCode::kInterrupted && signals.take() == SIGTERM) job.code = ExitCode::kTerminated;
  if (job.error.code == "interrupted" || job.error.code == "no-answer")
    job.error.message += "; whether the job was accepted is not known: with an --idempotency-key it can be submitted again without running twice";
  if (!job) return fail_with(job, general);
  const uint64_t id = count_member(job.body, "id");
  const std::string number = std::to_string(id);
  if (job.status == 200 && !submit.idempotency_key.empty()) say("job " + number + " was there already, with this idempotency key", general);
  if (submit.wait) return wait_for_job(client, signals, id, submit.timeout_ms, general);
  if (general.json) return print_json(job.body);
  return print(number + "\n") ? ExitCode::kOk : ExitCode::kIo;
}

}  // namespace heddle
