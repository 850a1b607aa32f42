#include "serve/job_answers.h"

#include "serve/control_state.h"
#include "serve/members.h"
#include "value/json_value.h"

namespace heddle {
namespace {

constexpr size_t kMostPageBytes = size_t{8} << 20;

void add_time(std::vector<std::pair<std::string, Value>>& members, std::string name, uint64_t ms) {
  if (ms != 0) members.emplace_back(std::move(name), json_count(ms));
}

Value attempts_json(const std::vector<JobAttempt>& attempts) {
  std::vector<Value> all;
  for (const JobAttempt& one : attempts)
    all.push_back(json_object({{"number", json_count(one.number)}, {"error", json_text(one.error)}, {"took_ms", json_count(one.took_ns / kNsPerMs)}}));
  return Value::list(std::move(all));
}

}  // namespace

Value job_json(const JobView& view) {
  std::vector<std::pair<std::string, Value>> members = {
      {"id", json_count(view.id)},         {"type", json_text(view.type)},           {"lane", json_text(view.lane)},
      {"state", json_text(name_of(view.state))}, {"over", Value::boolean(is_over(view.state))}, {"durable", Value::boolean(view.durable)},
      {"attempt", json_count(view.attempt)}, {"priority", json_count(view.priority)}};
  if (!view.idempotency_key.empty()) members.emplace_back("idempotency_key", json_text(view.idempotency_key));
  members.emplace_back("payload", view.payload ? view.payload : Value::null());
  if (view.progress.percent != 0 || !view.progress.message.empty()) {
    const auto percent = Value::number(view.progress.percent);
    members.emplace_back("progress", json_object({{"percent", percent ? *percent : Value::null()}, {"message", json_text(view.progress.message)}}));
  }
  if (view.state == JobState::kDone) members.emplace_back("result", view.result ? view.result : Value::null());
  if (view.error) members.emplace_back("error", error_json(*view.error));
  members.emplace_back("attempts", attempts_json(view.failed_attempts));
  add_time(members, "submitted_ms", view.submitted_ms);
  add_time(members, "not_before_ms", view.not_before_ms);
  add_time(members, "started_ms", view.started_ms);
  add_time(members, "ended_ms", view.ended_ms);
  return json_object(std::move(members));
}

Value job_page(const std::vector<JobView>& views, size_t most) {
  std::vector<Value> page;
  size_t bytes = 0;
  for (const JobView& view : views) {
    if (page.size() >= most || bytes > kMostPageBytes) break;
    bytes += (view.payload ? view.payload.weight() : 0) + (view.result ? view.result.weight() : 0);
    page.push_back(job_json(view));
  }
  const size_t given = page.size();
  std::vector<std::pair<std::string, Value>> members = {{"jobs", Value::list(std::move(page))}};
  if (given < views.size()) members.emplace_back("next", json_count(views[given - 1].id));
  return json_object(std::move(members));
}

Result<JobId> asked_job(const Request& request) {
  Members fields = Members::of_parameters(request.parameters());
  const auto id = fields.count("id", 1, INT64_MAX);
  if (auto read = fields.end(); !read) return std::move(read).error();
  return *id;
}

Error no_such_job(JobId id) { return Error("not-found", "there is no job " + std::to_string(id) + "; of those that are over only the last ones are remembered"); }

void answer_job(Request& request, JobId id, const std::optional<JobView>& view, bool accepted) {
  if (!view) return refuse(request, no_such_job(id));
  if (accepted) request.accept(job_json(*view));
  else request.answer(job_json(*view));
}

}  // namespace heddle
