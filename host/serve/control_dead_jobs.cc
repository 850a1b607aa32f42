#include <algorithm>

#include "serve/control_calls.h"
#include "serve/control_state.h"
#include "serve/members.h"
#include "serve/job_answers.h"
#include "value/json_value.h"

namespace heddle {
namespace {

constexpr uint64_t kMostListed = 1'000;

Error not_dead(JobId id) { return Error("not-found", "there is no job " + std::to_string(id) + " among the dead ones"); }

Result<JobView> find_dead(Control::State& control, const Request& request) {
  const auto id = asked_job(request);
  if (!id) return id.error();
  auto view = control.host.jobs->find(*id);
  if (!view || view->state != JobState::kDead) return not_dead(*id);
  return *std::move(view);
}

}  // namespace

Result<Value> list_dead_jobs(Control::State& control, const Request& request) {
  Members fields = Members::of_parameters(request.parameters());
  const auto after = fields.count("after", 0, INT64_MAX);
  const auto most = static_cast<size_t>(fields.count("limit", 1, kMostListed).value_or(kMostListed));
  if (auto read = fields.end(); !read) return std::move(read).error();
  std::vector<JobView> dead = control.host.jobs->dead();
  if (after) {
    const auto last = std::find_if(dead.begin(), dead.end(), [&](const JobView& view) { return view.id == *after; });
    if (last != dead.end()) dead.erase(dead.begin(), last + 1);
  }
  const Value page = job_page(dead, most);
  std::vector<std::pair<std::string, Value>> members = {{"jobs", page.find("jobs")}, {"lost", json_count(control.host.jobs->dead_lost())}};
  if (const Value next = page.find("next")) members.emplace_back("next", next);
  return json_object(std::move(members));
}

Result<Value> get_dead_job(Control::State& control, const Request& request) {
  const auto view = find_dead(control, request);
  if (!view) return view.error();
  return job_json(*view);
}

Result<Value> requeue_dead_job(Control::State& control, const Request& request) {
  const auto dead = find_dead(control, request);
  if (!dead) return dead.error();
  const bool requeued = control.host.jobs->requeue(dead->id);
  const auto view = control.host.jobs->find(dead->id);
  if (!view) return not_dead(dead->id);
  if (!requeued && view->state == JobState::kDead) return Error("closed", "the host takes no more jobs: it is shutting down", ErrorClass::kRetryable);
  return job_json(*view);
}

Result<Value> requeue_dead_jobs(Control::State& control, const Request&) {
  uint64_t requeued = 0;
  for (const JobView& view : control.host.jobs->dead()) requeued += control.host.jobs->requeue(view.id);
  return json_object({{"requeued", json_count(requeued)}});
}

Result<Value> discard_dead_job(Control::State& control, const Request& request) {
  const auto dead = find_dead(control, request);
  if (!dead) return dead.error();
  if (!control.host.jobs->discard(dead->id)) return not_dead(dead->id);
  return json_object({{"discarded", json_count(1)}});
}

Result<Value> discard_dead_jobs(Control::State& control, const Request&) {
  uint64_t discarded = 0;
  for (const JobView& view : control.host.jobs->dead()) discarded += control.host.jobs->discard(view.id);
  return json_object({{"discarded", json_count(discarded)}});
}

}  // namespace heddle
