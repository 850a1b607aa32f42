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

}  // namespace

Result<Value> list_remotes(Control::State& control, const Request&) {
  std::vector<Value> all;
  const uint64_t now = now_ns();
  for (const auto& group : control.host.outside->peers.groups()) all.push_back(group_json(*group, now));
  return json_object({{"remotes", Value::list(std::move(all))}});
}

}  // namespace heddle
