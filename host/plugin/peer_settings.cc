#include "plugin/peer_settings.h"

#include <charconv>
#include <string_view>
#include <utility>

#include "plugin/option_fields.h"

namespace heddle {
namespace {

// "p95", which is what it is where nothing is said, or "250ms".
void read_delay(std::string_view said, HedgePolicy& policy, OptionFields& f) {
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
  OptionFields f(hedge, "hedge", wrong);
  read_delay(f.text("after"), policy, f);
  f.count("max_extra", policy.most_extra, 1, 10);
  return policy;
}

Operation read_operation(const Value& operation, std::string& wrong) {
  OptionFields f(operation, "operation", wrong);
  const std::string answer = f.text("answer");
  Operation out{.name = f.text("name"), .method = f.text("method"), .path = f.text("path"), .stream = answer == "stream"};
  f.need("name");
  if (answer != "stream" && answer != "value") f.say("answer", "must be \"value\" or \"stream\"");
  return out;
}

}  // namespace

std::string PeerSettings::key() const {
  std::string key;
  append_part(key, transport);
  for (const auto& pool : pools) append_parts(key, pool);
  for (const Operation& o : operations) {
    for (const std::string* text : {&o.name, &o.method, &o.path}) append_part(key, *text);
    append_part(key, o.stream);
  }
  append_parts(key, tls);
  append_parts(key, policy);
  for (const uint64_t n : {connect_ms, most_body_bytes, probe_ns}) append_part(key, n);
  return key;
}

Result<PeerOptions> read_peer_options(const Value& options) {
  std::string wrong;
  PeerOptions out;
  PeerSettings& group = out.group;
  {
    OptionFields f(options, "", wrong);
    group.transport = f.text("transport");
    for (const char* name : {"transport", "pools", "operations"}) f.need(name);
    for (const Value& pool : f.list("pools")) group.pools.push_back(read_endpoints(pool, wrong));
    if (group.pools.empty()) f.say("pools", "must name an endpoint");
    for (const Value& operation : f.list("operations")) group.operations.push_back(read_operation(operation, wrong));
    group.policy.breaker = read_breaker(f.any("circuit_breaker"), wrong);
    group.policy.balance = read_balance(f.text("load_balance"), f).value_or(group.policy.balance);
    group.tls = read_tls(f.any("tls"), wrong);
    f.count("connect_ms", group.connect_ms, 1, kHourMs);
    f.count("most_body_bytes", group.most_body_bytes, 1, uint64_t{1} << 40);
    f.milliseconds("probe_ms", group.probe_ns, 0, kHourMs);
    f.milliseconds("timeout_ms", out.calls.timeout_ns, 1, 24 * kHourMs);
    f.milliseconds("attempt_timeout_ms", out.calls.attempt_timeout_ns, 0, 24 * kHourMs);
    read_retry(f.any("retry"), out.calls.retry, group.policy.budget, wrong);
    out.calls.hedge = read_hedge(f.any("hedge"), wrong);
  }
  if (wrong.empty()) return out;
  return Error("invalid", "the options of the peers: " + wrong, ErrorClass::kConfig);
}

}  // namespace heddle
