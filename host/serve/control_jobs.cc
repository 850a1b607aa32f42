#include <algorithm>

#include "serve/control_calls.h"
#include "serve/control_state.h"
#include "serve/members.h"
#include "serve/job_answers.h"

namespace heddle {
namespace {

constexpr uint64_t kMostWaitMs = 3'600'000;
constexpr uint64_t kMostDelayMs = 10ull * 366 * 24 * 3'600'000;
constexpr uint64_t kMostTimeMs = 253'402'300'800'000;  // the year 10000
constexpr uint64_t kDefaultWaitMs = 30'000;
constexpr uint64_t kMostListed = 1'000, kDefaultListed = 100;
constexpr size_t kMostAfter = 1'000;

// FNV-1a: the same text has the same key in every process, for durable jobs keep theirs.
uint64_t key_of(std::string_view text) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

uint64_t read_key(Members& fields) {
  const Value key = fields.any("key");
  if (!key) return 0;
  if (key.kind() == HEDDLE_STRING) return key_of(*key.as_text());
  return fields.count("key", 0, INT64_MAX).value_or(0);
}

uint64_t read_not_before(Members& fields, uint64_t now) {
  const auto delay_ms = fields.count("delay_ms", 0, kMostDelayMs);
  const auto run_at = fields.count("run_at", 0, kMostTimeMs);
  if (delay_ms && run_at) fields.wrong("\"delay_ms\" and \"run_at\" say the same: give one of them");
  if (delay_ms && *delay_ms > 0) return now + *delay_ms * kNsPerMs;
  const uint64_t wall = wall_ms();
  return run_at && *run_at > wall ? now + (*run_at - wall) * kNsPerMs : 0;
}

std::vector<std::string> lane_names(const Lanes& lanes) {
  std::vector<std::string> names;
  for (const LaneStats& lane : lanes.stats()) names.push_back(lane.name);
  return names;
}

void check_lane(const Control::State& control, Members& fields, const std::string& name) {
  if (!control.host.lanes->find(name)) fields.wrong("there is no lane \"" + name + "\"" + suggestion(name, lane_names(*control.host.lanes)));
}

void check_type(const Control::State& control, Members& fields, const std::string& name) {
  const auto types = control.host.jobs->types();
  if (std::find(types.begin(), types.end(), name) == types.end())
    fields.wrong("nothing here runs jobs of type \"" + name + "\"" + suggestion(name, types));
}

struct Submission {
  JobSpec spec;
  uint64_t wait_ms = 0;
};

Result<Submission> read_submission(const Control::State& control, const Request& request) {
  auto body = request.json_body();
  if (!body) return std::move(body).error();
  Members fields = Members::of_body(*std::move(body));
  Submission submission;
  JobSpec& spec = submission.spec;
  const uint64_t now = now_ns();
  fields.need("type");
  if (const auto type = fields.text("type")) check_type(control, fields, spec.type = *type);
  if (const auto lane = fields.text("lane")) check_lane(control, fields, spec.lane = *lane);
  if (spec.lane == kOwnLane) fields.wrong("the lane \"" + spec.lane + "\" is the host's own: jobs of others would hold up its control");
  spec.payload = fields.any("payload");
  spec.priority = static_cast<uint8_t>(fields.count("priority", 0, 255).value_or(0));
  spec.key = read_key(fields);
  if (const auto deadline_ms = fields.count("deadline_ms", 1, kMostDelayMs)) spec.due_ns = now + *deadline_ms * kNsPerMs;
  spec.not_before_ns = read_not_before(fields, now);
  spec.idempotency_key = fields.text("idempotency_key").value_or("");
  spec.after = fields.counts("after", kMostAfter);
  spec.trace = request.trace();
  submission.wait_ms = fields.count("wait_ms", 0, kMostWaitMs).value_or(0);
  if (auto read = fields.end(); !read) return std::move(read).error();
  return submission;
}

std::optional<JobState> read_state(Members& fields) {
  const auto said = fields.text("state");
  if (!said) return std::nullopt;
  std::vector<std::string> names;
  std::string all;
  for (auto state = JobState::kBlocked; state <= JobState::kCancelled; state = static_cast<JobState>(static_cast<int>(state) + 1)) {
    if (name_of(state) == *said) return state;
    names.emplace_back(name_of(state));
    all.append(all.empty() ? "" : ", ").append(names.back());
  }
  fields.wrong("no job is ever \"" + *said + "\"" + suggestion(*said, names) + "; a state is one of " + all);
  return std::nullopt;
}

}  // namespace

void submit_job(Control::State& control, Request request) {
  auto submission = read_submission(control, request);
  if (!submission) return refuse(request, submission.error());
  const auto asked = std::make_shared<Request>(std::move(request));  // a std::function wants to be copied
  control.host.jobs->submit(std::move(submission->spec), [weak = control.weak_from_this(), asked, wait_ms = submission->wait_ms](Result<Jobs::Accepted> accepted) {
    if (!accepted) return refuse(*asked, accepted.error());
    const auto here = weak.lock();
    if (!here) return refuse(*asked, Error("closed", "the host shuts down; job " + std::to_string(accepted->id) + " was accepted"));
    here->waits.wait(accepted->id, wait_ms, std::move(*asked), accepted->is_new);
  });
}

void wait_for_job(Control::State& control, Request request) {
  Members fields = Members::of_parameters(request.parameters());
  const auto id = fields.count("id", 1, INT64_MAX);
  const uint64_t timeout_ms = fields.count("timeout_ms", 0, kMostWaitMs).value_or(kDefaultWaitMs);
  if (auto read = fields.end(); !read) return refuse(request, read.error());
  control.waits.wait(*id, timeout_ms, std::move(request));
}

Result<Value> list_jobs(Control::State& control, const Request& request) {
  Members fields = Members::of_parameters(request.parameters());
  JobFilter filter;
  if (const auto lane = fields.text("lane")) check_lane(control, fields, filter.lane = *lane);
  filter.type = fields.text("type").value_or("");
  filter.state = read_state(fields);
  filter.after = fields.count("after", 0, INT64_MAX).value_or(0);
  if (const auto before = fields.count("before", 1, INT64_MAX)) {
    filter.before = *before;
    filter.newest_first = true;
    if (filter.after > 0) fields.wrong("\"after\" goes up from an id and \"before\" goes down from one: give one of them");
  }
  const auto most = static_cast<size_t>(fields.count("limit", 1, kMostListed).value_or(kDefaultListed));
  filter.most = most + 1;  // one more, to know whether there are more
  if (auto read = fields.end(); !read) return std::move(read).error();
  return job_page(control.host.jobs->list(filter), most);
}

Result<Value> get_job(Control::State& control, const Request& request) {
  const auto id = asked_job(request);
  if (!id) return id.error();
  const auto view = control.host.jobs->find(*id);
  if (!view) return no_such_job(*id);
  return job_json(*view);
}

Result<Value> cancel_job(Control::State& control, const Request& request) {
  const auto id = asked_job(request);
  if (!id) return id.error();
  const bool was_told = control.host.jobs->cancel(*id);
  const auto view = control.host.jobs->find(*id);
  if (!view) return no_such_job(*id);
  if (!was_told && view->state != JobState::kCancelled)
    return Error("conflict", "job " + std::to_string(*id) + " is over already: it is " + std::string(name_of(view->state)));
  return job_json(*view);
}

}  // namespace heddle
