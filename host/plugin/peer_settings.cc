#include "plugin/peer_settings.h"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <utility>

namespace heddle {
namespace {

// The members of one map, each asked for by its name; the first one that is wrong, or that nobody asked for, is the error.
class Fields {
 public:
  Fields(Value map, std::string path, std::string& wrong) : map_(std::move(map)), path_(std::move(path)), wrong_(wrong) {
    if (map_ && map_.kind() != HEDDLE_MAP) say("must be an object, not " + describe(map_));
  }
  ~Fields() {
    for (size_t i = 0; map_ && map_.kind() == HEDDLE_MAP && i < map_.size(); ++i) {
      std::string_view name;
      map_.at(i, &name);
      if (std::find(asked_.begin(), asked_.end(), name) == asked_.end()) say(name, "is not known");
    }
  }
  Fields(const Fields&) = delete;
  Fields& operator=(const Fields&) = delete;

  Value any(std::string_view name) {
    asked_.emplace_back(name);
    return map_ ? map_.find(name) : Value();
  }
  std::string text(std::string_view name) {
    const Value found = any(name);
    if (found && found.kind() != HEDDLE_STRING) say(name, "must be a text, not " + describe(found));
    return std::string(found && found.kind() == HEDDLE_STRING ? *found.as_text() : "");
  }
  template <class T>
  void count(std::string_view name, T& into, uint64_t least, uint64_t most) {
    const Value found = any(name);
    if (!found) return;
    const auto n = found.kind() == HEDDLE_INT ? found.as_int() : std::nullopt;
    if (n && *n >= 0 && static_cast<uint64_t>(*n) >= least && static_cast<uint64_t>(*n) <= most) into = static_cast<T>(*n);
    else say(name, "must be a whole number from " + std::to_string(least) + " to " + std::to_string(most) + ", not " + describe(found));
  }
  void milliseconds(std::string_view name, uint64_t& into_ns, uint64_t least, uint64_t most) {
    uint64_t ms = into_ns / kNsPerMs;
    count(name, ms, least, most);
    into_ns = ms * kNsPerMs;
  }
  void factor(std::string_view name, double& into, double least, double most) {
    const Value found = any(name);
    if (!found) return;
    if (const auto n = found.as_float(); n && *n >= least && *n <= most) into = *n;
    else say(name, "is out of range");
  }
  // Elements of a list; empty where there is none.
  std::vector<Value> list(std::string_view name) {
    const Value found = any(name);
    std::vector<Value> all;
    if (found && found.kind() != HEDDLE_LIST) say(name, "must be a list, not " + describe(found));
    for (size_t i = 0; found && found.kind() == HEDDLE_LIST && i < found.size(); ++i) all.push_back(found.at(i));
    return all;
  }
  void need(std::string_view name) {
    if (!map_ || !map_.find(name)) say(name, "is missing");
  }
  void say(std::string_view name, const std::string& what) {
    if (wrong_.empty()) wrong_ = path_ + (path_.empty() ? "" : ".") + std::string(name) + " " + what;
  }

 private:
  void say(const std::string& what) {
    if (wrong_.empty()) wrong_ = (path_.empty() ? "it" : path_) + " " + what;
  }
  const Value map_;
  const std::string path_;
  std::string& wrong_;
  std::vector<std::string> asked_;
};

constexpr uint64_t kHourMs = 3'600'000;

std::vector<EndpointSpec> read_pool(const Value& pool, std::string& wrong) {
  std::vector<EndpointSpec> endpoints;
  if (pool.kind() != HEDDLE_LIST || pool.size() == 0) {
    if (wrong.empty()) wrong = "pools must be lists of at least one endpoint";
    return endpoints;
  }
  for (size_t i = 0; i < pool.size(); ++i) {
    Fields f(pool.at(i), "endpoint", wrong);
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
  Fields f(breaker, "circuit_breaker", wrong);
  f.count("failure_threshold", policy.failures_in_row, 1, 1'000'000);
  f.count("failure_percent", policy.failure_percent, 0, 100);
  f.count("fewest_calls", policy.fewest_calls, 1, 1'000'000);
  f.milliseconds("window_ms", policy.window_ns, 1, kHourMs);
  f.milliseconds("reset_timeout_ms", policy.reset_ns, 1, kHourMs);
  f.count("half_open_calls", policy.half_open_calls, 1, 1'000);
  f.count("success_threshold", policy.successes, 1, 1'000);
  return policy;
}

RetryPolicy::Jitter jitter_named(const std::string& name, Fields& f) {
  if (name.empty() || name == "full") return RetryPolicy::Jitter::kFull;
  if (name == "none") return RetryPolicy::Jitter::kNone;
  if (name != "equal") f.say("jitter", "must be \"full\", \"equal\" or \"none\", not \"" + name + "\"");
  return RetryPolicy::Jitter::kEqual;
}

void read_retry(const Value& retry, CallPolicy& calls, PoolPolicy& pool, std::string& wrong) {
  Fields f(retry, "retry", wrong);
  f.count("max_attempts", calls.retry.max_attempts, 1, 100);
  f.milliseconds("initial_backoff_ms", calls.retry.first_ns, 0, kHourMs);
  f.milliseconds("max_backoff_ms", calls.retry.cap_ns, 0, kHourMs);
  f.factor("multiplier", calls.retry.factor, 1, 100);
  f.count("budget_percent", pool.budget.percent, 0, 100);
  calls.retry.jitter = jitter_named(f.text("jitter"), f);
}

// "p95", which is what it is where nothing is said, or "250ms".
void read_delay(std::string_view said, HedgePolicy& policy, Fields& f) {
  if (said.empty()) return;
  const bool is_share = said.starts_with('p');
  uint64_t number = 0;
  const std::string_view digits = is_share ? said.substr(1) : said.ends_with("ms") ? said.substr(0, said.size() - 2) : std::string_view();
  const auto [end, fault] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (fault != std::errc() || end != digits.data() + digits.size() || number < 1 || number > (is_share ? 99 : kHourMs))
    return f.say("after", "must be a percentile such as \"p95\", or a time such as \"250ms\", not \"" + std::string(said) + "\"");
  if (is_share) policy.percentile = static_cast<uint32_t>(number);
  else policy.after_ns = number * kNsPerMs;
}

std::optional<HedgePolicy> read_hedge(const Value& hedge, std::string& wrong) {
  if (!hedge) return std::nullopt;
  HedgePolicy policy;
  Fields f(hedge, "hedge", wrong);
  read_delay(f.text("after"), policy, f);
  f.count("max_extra", policy.most_extra, 1, 10);
  return policy;
}

std::optional<ChannelTls> read_tls(const Value& tls, std::string& wrong) {
  if (!tls) return std::nullopt;
  Fields f(tls, "tls", wrong);
  return ChannelTls{.ca = f.text("ca"), .certificate = f.text("certificate"), .key = f.text("key"), .server_name = f.text("server_name")};
}

Operation read_operation(const Value& operation, std::string& wrong) {
  Fields f(operation, "operation", wrong);
  const std::string answer = f.text("answer");
  Operation out{.name = f.text("name"), .method = f.text("method"), .path = f.text("path"), .stream = answer == "stream"};
  f.need("name");
  if (answer != "stream" && answer != "value") f.say("answer", "must be \"value\" or \"stream\"");
  return out;
}

void append(std::string& key, std::string_view text) { key.append(std::to_string(text.size())).append(":").append(text); }
void append(std::string& key, uint64_t n) { key.append(std::to_string(n)).append(";"); }

}  // namespace

std::string PeerSettings::key() const {
  std::string key;
  append(key, transport);
  for (const auto& pool : pools) {
    key += '[';
    for (const EndpointSpec& e : pool) {
      append(key, e.address);
      append(key, e.weight);
    }
    key += ']';
  }
  for (const Operation& o : operations) {
    for (const std::string* text : {&o.name, &o.method, &o.path}) append(key, *text);
    append(key, o.stream);
  }
  if (tls)
    for (const std::string* text : {&tls->ca, &tls->certificate, &tls->key, &tls->server_name}) append(key, *text);
  if (const auto& b = policy.breaker) {
    key += 'b';
    for (const uint64_t n : {uint64_t{b->failures_in_row}, uint64_t{b->failure_percent}, uint64_t{b->fewest_calls}, b->window_ns, b->reset_ns, uint64_t{b->half_open_calls}, uint64_t{b->successes}})
      append(key, n);
  }
  for (const uint64_t n : {static_cast<uint64_t>(policy.balance), uint64_t{policy.budget.percent}, connect_ms, most_body_bytes, probe_ns}) append(key, n);
  return key;
}

Result<PeerOptions> read_peer_options(const Value& options) {
  std::string wrong;
  PeerOptions out;
  PeerSettings& group = out.group;
  {
    Fields f(options, "", wrong);
    group.transport = f.text("transport");
    for (const char* name : {"transport", "pools", "operations"}) f.need(name);
    for (const Value& pool : f.list("pools")) group.pools.push_back(read_pool(pool, wrong));
    if (group.pools.empty()) f.say("pools", "must name an endpoint");
    for (const Value& operation : f.list("operations")) group.operations.push_back(read_operation(operation, wrong));
    group.policy.breaker = read_breaker(f.any("circuit_breaker"), wrong);
    if (const std::string name = f.text("load_balance"); !name.empty()) {
      if (const auto balance = balance_named(name)) group.policy.balance = *balance;
      else f.say("load_balance", "is none of round_robin, least_connections, random, p2c and hash: \"" + name + "\"");
    }
    group.tls = read_tls(f.any("tls"), wrong);
    f.count("connect_ms", group.connect_ms, 1, kHourMs);
    f.count("most_body_bytes", group.most_body_bytes, 1, uint64_t{1} << 40);
    f.milliseconds("probe_ms", group.probe_ns, 0, kHourMs);
    f.milliseconds("timeout_ms", out.calls.timeout_ns, 1, 24 * kHourMs);
    f.milliseconds("attempt_timeout_ms", out.calls.attempt_timeout_ns, 0, 24 * kHourMs);
    read_retry(f.any("retry"), out.calls, group.policy, wrong);
    out.calls.hedge = read_hedge(f.any("hedge"), wrong);
  }
  if (wrong.empty()) return out;
  return Error("invalid", "the options of the peers: " + wrong, ErrorClass::kConfig);
}

}  // namespace heddle
