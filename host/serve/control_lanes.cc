#include <algorithm>

#include "serve/control_calls.h"
#include "serve/control_state.h"
#include "serve/members.h"
#include "value/json_value.h"

namespace heddle {
namespace {

Value durations_json(const Durations& all) {
  return json_object({{"count", json_count(all.count())},
                      {"p50_ms", json_milliseconds(all.quantile(0.5))},
                      {"p90_ms", json_milliseconds(all.quantile(0.9))},
                      {"p95_ms", json_milliseconds(all.quantile(0.95))},
                      {"p99_ms", json_milliseconds(all.quantile(0.99))}});
}

Value stats_json(const LaneStats& stats) {
  const uint64_t age_ns = stats.oldest_ns == 0 ? 0 : now_ns() - std::min(stats.oldest_ns, now_ns());
  return json_object({{"submitted", json_count(stats.submitted)},
                      {"started", json_count(stats.started)},
                      {"completed", json_count(stats.completed)},
                      {"waiting", json_count(stats.waiting)},
                      {"delayed", json_count(stats.delayed)},
                      {"running", json_count(stats.running)},
                      {"oldest_waiting_ms", json_count(age_ns / kNsPerMs)},
                      {"paused", Value::boolean(stats.paused)},
                      {"under_pressure", Value::boolean(stats.under_pressure)}});
}

Value counts_json(const JobCounts& c) {
  return json_object({{"submitted", json_count(c.submitted)},
                      {"rejected", json_count(c.rejected)},
                      {"shed", json_count(c.shed)},
                      {"completed", json_count(c.done)},
                      {"failed", json_count(c.failed)},
                      {"retried", json_count(c.retried)},
                      {"timed_out", json_count(c.timed_out)},
                      {"cancelled", json_count(c.cancelled)},
                      {"preempted", json_count(c.preempted)},
                      {"dead_lettered", json_count(c.dead)},
                      {"given_up", json_count(c.given_up)}});
}

Value alerts_json(const Control::State& control, const std::string& lane) {
  std::vector<Value> all;
  for (const Alert& alert : control.host.jobs->alerts()) {
    if (alert.lane != lane) continue;
    all.push_back(json_object({{"kind", json_text(name_of(alert.kind))}, {"level", json_text(name_of(alert.level))}, {"message", json_text(alert.text())}}));
  }
  return Value::list(std::move(all));
}

LaneSetup setup_of(const Control::State& control, LaneId lane) { return {control.host.lanes->config(lane), control.host.jobs->policy(lane)}; }

Value lane_json(const Control::State& control, LaneId lane, const LaneStats& stats) {
  std::vector<std::pair<std::string, Value>> members = {{"name", json_text(stats.name)}};
  const Value settings = lane_setup_json(setup_of(control, lane));
  for (size_t i = 0; i < settings.size(); ++i) {
    std::string_view name;
    Value value = settings.at(i, &name);
    members.emplace_back(name, std::move(value));
  }
  const LaneTimes times = control.host.jobs->times(lane);
  members.emplace_back("alerts_standing", alerts_json(control, stats.name));
  members.emplace_back("stats", stats_json(stats));
  members.emplace_back("counts", counts_json(control.host.jobs->counts(lane)));
  members.emplace_back("waited", durations_json(times.waited));
  members.emplace_back("ran", durations_json(times.ran));
  return json_object(std::move(members));
}

// The {name} of the path, where a request has no other parameters.
Result<LaneId> asked_lane(const Control::State& control, const Request& request) {
  Members fields = Members::of_parameters(request.parameters());
  const std::string name = fields.text("name").value_or("");
  if (auto read = fields.end(); !read) return std::move(read).error();
  if (const auto lane = control.host.lanes->find(name)) return *lane;
  std::vector<std::string> names;
  for (const LaneStats& lane : control.host.lanes->stats()) names.push_back(lane.name);
  return Error("not-found", "there is no lane \"" + name + "\"" + suggestion(name, names));
}

Value tell_lane(const Control::State& control, LaneId lane) {
  const std::string name = control.host.lanes->config(lane).name;
  for (const LaneStats& stats : control.host.lanes->stats()) {
    if (stats.name == name) return lane_json(control, lane, stats);
  }
  return Value::null();
}

}  // namespace

Result<Value> list_lanes(Control::State& control, const Request&) {
  std::vector<Value> all;
  for (const LaneStats& stats : control.host.lanes->stats()) {
    if (const auto lane = control.host.lanes->find(stats.name)) all.push_back(lane_json(control, *lane, stats));
  }
  return json_object({{"lanes", Value::list(std::move(all))}});
}

Result<Value> get_lane(Control::State& control, const Request& request) {
  const auto lane = asked_lane(control, request);
  if (!lane) return lane.error();
  return tell_lane(control, *lane);
}

Result<Value> change_lane(Control::State& control, const Request& request) {
  const auto lane = asked_lane(control, request);
  if (!lane) return lane.error();
  const auto body = request.json_body();
  if (!body) return body.error();
  const LaneSetup current = setup_of(control, *lane);
  auto setup = read_lane_setup(body->json(), current);
  if (!setup) return std::move(setup).error();
  setup->lane.name = current.lane.name;
  if (auto added = control.host.lanes->add(setup->lane); !added) return Error("invalid", added.error().text());
  control.host.jobs->set_policy(*lane, setup->policy);
  return tell_lane(control, *lane);
}

Result<Value> pause_lane(Control::State& control, const Request& request) {
  const auto lane = asked_lane(control, request);
  if (!lane) return lane.error();
  if (control.host.lanes->config(*lane).name == kOwnLane) return Error("conflict", "the host itself works on the lane \"" + std::string(kOwnLane) + "\": it is never paused");
  control.host.lanes->pause(*lane);
  return tell_lane(control, *lane);
}

Result<Value> resume_lane(Control::State& control, const Request& request) {
  const auto lane = asked_lane(control, request);
  if (!lane) return lane.error();
  control.host.lanes->resume(*lane);
  return tell_lane(control, *lane);
}

}  // namespace heddle
