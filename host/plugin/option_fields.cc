#include "plugin/option_fields.h"

namespace heddle {
namespace {

RetryPolicy::Jitter jitter_named(const std::string& name, OptionFields& f) {
  if (name.empty() || name == "full") return RetryPolicy::Jitter::kFull;
  if (name == "none") return RetryPolicy::Jitter::kNone;
  if (name != "equal") f.say("jitter", "must be \"full\", \"equal\" or \"none\", not \"" + name + "\"");
  return RetryPolicy::Jitter::kEqual;
}

}  // namespace

std::vector<EndpointSpec> read_endpoints(const Value& pool, std::string& wrong) {
  std::vector<EndpointSpec> endpoints;
  if (pool.kind() != HEDDLE_LIST || pool.size() == 0) {
    if (wrong.empty()) wrong = "endpoints must be a list of at least one endpoint";
    return endpoints;
  }
  for (size_t i = 0; i < pool.size(); ++i) {
    OptionFields f(pool.at(i), "endpoint", wrong);
    EndpointSpec endpoint{f.text("address")};
    f.count("weight", endpoint.weight, 1, 1'000);
    if (endpoint.address.empty()) f.say("address", "is missing");
    endpoints.push_back(std::move(endpoint));
  }
  return endpoints;
}

std::optional<BreakerPolicy> read_breaker(const Value& breaker, std::string& wrong) {
  BreakerPolicy policy;
  if (breaker && breaker.kind() == HEDDLE_BOOL && !*breaker.as_bool()) return std::nullopt;
  OptionFields f(breaker, "circuit_breaker", wrong);
  f.count("failure_threshold", policy.failures_in_row, 1, 1'000'000);
  f.count("failure_percent", policy.failure_percent, 0, 100);
  f.count("fewest_calls", policy.fewest_calls, 1, 1'000'000);
  f.milliseconds("window_ms", policy.window_ns, 1, kHourMs);
  f.milliseconds("reset_timeout_ms", policy.reset_ns, 1, kHourMs);
  f.count("half_open_calls", policy.half_open_calls, 1, 1'000);
  f.count("success_threshold", policy.successes, 1, 1'000);
  return policy;
}

void read_retry(const Value& retry, RetryPolicy& policy, RetryBudget::Policy& budget, std::string& wrong) {
  OptionFields f(retry, "retry", wrong);
  f.count("max_attempts", policy.max_attempts, 1, 100);
  f.milliseconds("initial_backoff_ms", policy.first_ns, 0, kHourMs);
  f.milliseconds("max_backoff_ms", policy.cap_ns, 0, kHourMs);
  f.factor("multiplier", policy.factor, 1, 100);
  f.count("budget_percent", budget.percent, 0, 100);
  policy.jitter = jitter_named(f.text("jitter"), f);
}

std::optional<Balance> read_balance(std::string_view name, OptionFields& f) {
  if (name.empty()) return std::nullopt;
  const auto balance = balance_named(name);
  if (!balance) f.say("load_balance", "is none of round_robin, least_connections, random, p2c and hash: \"" + std::string(name) + "\"");
  return balance;
}

std::optional<ChannelTls> read_tls(const Value& tls, std::string& wrong) {
  if (!tls) return std::nullopt;
  OptionFields f(tls, "tls", wrong);
  return ChannelTls{.ca = f.text("ca"), .certificate = f.text("certificate"), .key = f.text("key"), .server_name = f.text("server_name")};
}

void append_part(std::string& key, std::string_view text) { key.append(std::to_string(text.size())).append(":").append(text); }
void append_part(std::string& key, uint64_t n) { key.append(std::to_string(n)).append(";"); }

void append_parts(std::string& key, const std::vector<EndpointSpec>& endpoints) {
  key += '[';
  for (const EndpointSpec& e : endpoints) {
    append_part(key, e.address);
    append_part(key, e.weight);
  }
  key += ']';
}

void append_parts(std::string& key, const std::optional<ChannelTls>& tls) {
  if (!tls) return;
  for (const std::string* text : {&tls->ca, &tls->certificate, &tls->key, &tls->server_name}) append_part(key, *text);
}

void append_parts(std::string& key, const PoolPolicy& policy) {
  if (const auto& b = policy.breaker) {
    key += 'b';
    for (const uint64_t n : {uint64_t{b->failures_in_row}, uint64_t{b->failure_percent}, uint64_t{b->fewest_calls}, b->window_ns, b->reset_ns, uint64_t{b->half_open_calls}, uint64_t{b->successes}})
      append_part(key, n);
  }
  for (const uint64_t n : {static_cast<uint64_t>(policy.balance), uint64_t{policy.budget.percent}}) append_part(key, n);
}

}  // namespace heddle
