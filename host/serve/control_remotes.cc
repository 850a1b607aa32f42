#include <algorithm>

#include "clock.h"
#include "log.h"
#include "serve/control_calls.h"
#include "serve/control_state.h"
#include "value/json_value.h"

namespace heddle {
namespace {

using Members = std::vector<std::pair<std::string, Value>>;

uint64_t since(uint64_t then, uint64_t now) { return now - std::min(then, now); }
uint64_t until(uint64_t then, uint64_t now) { return then - std::min(then, now); }

Value endpoint_json(const EndpointPool::Endpoint& e, uint64_t now) {
  Members members = {{"address", json_text(e.address)},
                     {"weight", json_count(e.weight)},
                     {"state", json_text(e.state())},
                     {"breaker", e.breaker ? json_text(name_of(*e.breaker)) : Value::null()},
                     {"in_flight", json_count(e.in_flight)},
                     {"answered", json_count(e.good)},
                     {"failed", json_count(e.bad)},
                     {"given_up", json_count(e.given_up)},
                     {"retries", json_count(e.retries)},
                     {"hedges", json_count(e.hedges)},
                     {"ejections", json_count(e.ejections)},
                     {"breaker_opened", json_count(e.opened)},
                     {"p50_ms", e.p50_ns ? json_milliseconds(e.p50_ns) : Value::null()},
                     {"p95_ms", e.p95_ns ? json_milliseconds(e.p95_ns) : Value::null()}};
  if (e.ejected) members.emplace_back("back_in_ms", json_count(until(e.ejected_until_ns, now) / kNsPerMs));
  if (e.breaker == CircuitBreaker::State::kOpen) members.emplace_back("breaker_opens_in_ms", json_count(until(e.breaker_until_ns, now) / kNsPerMs));
  if (e.last_error_ns > 0)
    members.emplace_back("last_error", json_object({{"message", json_text(log::redacted(e.last_error))}, {"age_ms", json_count(since(e.last_error_ns, now) / kNsPerMs)}}));
  return json_object(std::move(members));
}

Value group_json(const PeerGroup& group, uint64_t now) {
  std::vector<Value> pools;
  for (const auto& pool : group.standing(now)) {
    std::vector<Value> endpoints;
    for (const EndpointPool::Endpoint& e : pool) endpoints.push_back(endpoint_json(e, now));
    pools.push_back(json_object({{"endpoints", Value::list(std::move(endpoints))}}));
  }
  const uint64_t used_ns = group.last_used_ns();
  return json_object({{"transport", json_text(group.settings().transport)},
                      {"tls", Value::boolean(group.settings().tls.has_value())},
                      {"load_balance", json_text(name_of(group.settings().policy.balance))},
                      {"idle_ms", used_ns == 0 ? Value::null() : json_count(since(used_ns, now) / kNsPerMs)},
                      {"pools", Value::list(std::move(pools))}});
}

Value sidecar_worker_json(const WorkerGroup::Standing& one, uint64_t now) {
  std::vector<Value> tags;
  const Value said = one.facts ? one.facts.find("tags") : Value();
  for (size_t i = 0; said && said.kind() == HEDDLE_LIST && i < said.size(); ++i) tags.push_back(said.at(i));
  Members members = {{"here", Value::boolean(one.here)}, {"refused", Value::boolean(one.refused)}, {"credit", json_count(one.credit)}, {"tags", Value::list(std::move(tags))}};
  if (!one.here && !one.gone.empty()) members.emplace_back("gone", json_text(log::redacted(one.gone)));
  members.emplace_back("endpoint", endpoint_json(one.endpoint, now));
  return json_object(std::move(members));
}

Value sidecar_json(const WorkerGroup& group, uint64_t now) {
  std::vector<Value> workers;
  for (const WorkerGroup::Standing& one : group.standing(now)) workers.push_back(sidecar_worker_json(one, now));
  const uint64_t used_ns = group.last_used_ns();
  return json_object({{"sidecar", json_text(group.settings().sidecar)},
                      {"tls", Value::boolean(group.settings().place.tls.has_value())},
                      {"waiting", json_count(group.waiting())},
                      {"slots", json_count(group.slots())},
                      {"idle_ms", used_ns == 0 ? Value::null() : json_count(since(used_ns, now) / kNsPerMs)},
                      {"workers", Value::list(std::move(workers))}});
}

}  // namespace

Result<Value> list_remotes(Control::State& control, const Request&) {
  std::vector<Value> all, sidecars;
  const uint64_t now = now_ns();
  for (const auto& group : control.host.outside->peers.groups()) all.push_back(group_json(*group, now));
  for (const auto& group : control.host.outside->sidecars.groups()) sidecars.push_back(sidecar_json(*group, now));
  return json_object({{"remotes", Value::list(std::move(all))}, {"sidecars", Value::list(std::move(sidecars))}});
}

}  // namespace heddle
