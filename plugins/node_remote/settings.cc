#include "settings.h"

#include <algorithm>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "endpoints.h"

namespace node_remote {
namespace {

using namespace heddle::sdk;

// The params of the older family have other names for some things; each thing may be said once.
ValueRef either(ValueRef map, std::string_view name, std::string_view older) {
  const ValueRef found = map.find(name), old = map.find(older);
  if (found && old) throw Error(HEDDLE_INVALID, "\"" + std::string(name) + "\" and \"" + std::string(older) + "\" mean the same: say one of them");
  return found ? found : old;
}

// Grows into a MAP.
class Options {
 public:
  void add(std::string_view key, ValueRef value) {
    if (value) add(key, Value::share(value));
  }
  void add(std::string_view key, Value value) { entries_.push_back({key, std::move(value)}); }
  Value take() { return Value::map(std::span(entries_)); }

 private:
  std::vector<Value::Entry> entries_;
};

Value read_pools(ValueRef params, bool has_tls, bool insecure) {
  const ValueRef endpoint = params.find("endpoint"), endpoints = params.find("endpoints");
  if (!endpoint == !endpoints) throw Error(HEDDLE_INVALID, endpoint ? "say \"endpoint\" or \"endpoints\", not both" : "\"endpoints\" is missing: where the pipeline runs");
  std::vector<Value> pools;
  const Value one = endpoint ? Value::list({Value::share(endpoint)}) : Value::share(endpoints);
  pools.push_back(read_pool(one, has_tls, insecure));
  const ValueRef fallback = params.find("fallback");
  for (size_t i = 0; i < fallback.size(); ++i) {
    const ValueRef entry = fallback.at(i);
    if (const ValueRef more = entry.find("endpoints")) {
      pools.push_back(read_pool(more, has_tls, insecure));
      continue;
    }
    if (i + 1 == fallback.size()) break;
    const ValueRef next = fallback.at(i + 1);
    if (entry.find("last_good") && !next.find("last_good") && !next.find("endpoints")) continue;  // perhaps there is none yet
    if (!(entry.find("node") && next.find("dead_letter")))
      throw Error(HEDDLE_INVALID, "in \"fallback\" nothing can come after a value, a node or the dead letters, and no endpoints after the last good results");
  }
  return Value::list(std::move(pools));
}

Value read_retry(ValueRef retry) {
  Options out;
  if (const ValueRef attempts = retry.find("max_attempts"), retries = retry.find("max_retries"); attempts && retries) either(retry, "max_attempts", "max_retries");
  else if (retries) out.add("max_attempts", Value::integer(retries.as_int().value_or(0) + 1));
  else out.add("max_attempts", attempts);
  out.add("initial_backoff_ms", either(retry, "initial_backoff_ms", "backoff_ms"));
  for (const char* name : {"max_backoff_ms", "multiplier", "jitter", "budget_percent"}) out.add(name, retry.find(name));
  return out.take();
}

void add_health(ValueRef params, Options& options) {
  const ValueRef check = params.find("health_check"), seconds = params.find("health_check_interval_secs");
  if (check.find("interval_ms") && seconds) throw Error(HEDDLE_INVALID, "\"health_check.interval_ms\" and \"health_check_interval_secs\" mean the same: say one of them");
  if (seconds) options.add("probe_ms", Value::integer(seconds.as_int().value_or(5) * 1'000));
  else options.add("probe_ms", check.find("interval_ms"));
  options.add("connect_ms", check.find("timeout_ms"));
}

Value operations() {
  return Value::parse(R"([{"name":"pipelines.each","answer":"stream","method":"POST","path":"/v1/pipelines/{name}/each"},)"
                      R"({"name":"manifests.each","answer":"stream","method":"POST","path":"/v1/each"}])");
}

}  // namespace

Settings read_settings(ValueRef params) {
  Settings out;
  out.source = read_source(params);
  if (const auto timeout_ms = params.find("timeout_ms").as_int(); timeout_ms && *timeout_ms > 0) out.fetch_ms = std::min(out.fetch_ms, static_cast<uint64_t>(*timeout_ms));
  out.token = std::string(params.find("auth_token").as_text().value_or(""));
  if (params.find("load_balance").as_text() == "hash") out.hash_key = std::string(params.find("hash_key").as_text().value_or(""));
  else if (params.find("hash_key")) throw Error(HEDDLE_INVALID, "\"hash_key\" is for \"load_balance\": \"hash\"");
  out.idempotent = params.find("idempotent").as_bool().value_or(false);
  const ValueRef tls = params.find("tls"), fallback = params.find("fallback");
  for (size_t i = 0; i < fallback.size(); ++i) out.fallback_last_good = out.fallback_last_good || fallback.at(i).find("last_good");
  if (fallback.size() > 0) out.fallback_value = Value::share(fallback.at(fallback.size() - 1).find("value"));

  Options options;
  options.add("transport", params.find("transport"));
  options.add("pools", read_pools(params, bool(tls), params.find("insecure").as_bool().value_or(false)));
  options.add("operations", operations());
  options.add("load_balance", either(params, "load_balance", "load_balance_strategy"));
  for (const char* name : {"timeout_ms", "attempt_timeout_ms", "circuit_breaker", "hedge", "tls"}) options.add(name, params.find(name));
  if (const ValueRef retry = params.find("retry")) options.add("retry", read_retry(retry));
  add_health(params, options);
  out.options = options.take();
  return out;
}

}  // namespace node_remote
