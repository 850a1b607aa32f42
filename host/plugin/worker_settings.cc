#include "plugin/worker_settings.h"

#include <utility>

#include "plugin/endpoint.h"
#include "plugin/option_fields.h"

namespace heddle {
namespace {

constexpr uint64_t kWeekMs = 7 * 24 * kHourMs;

void read_version(const Value& version, WorkerPlace& place, std::string& wrong) {
  if (!version) return;
  OptionFields f(version, "version", wrong);
  f.need("min");
  f.need("max");
  place.min_version = f.text("min");
  place.max_version = f.text("max");
}

void read_place(OptionFields& f, WorkerPlace& place, std::string& wrong) {
  read_version(f.any("version"), place, wrong);
  f.count("slots", place.slots, 1, 10'000);
  f.count("connect_ms", place.connect_ms, 1, kHourMs);
  f.count("reattach_ms", place.reattach_ms, 0, kHourMs);
  f.count("most_bytes", place.most_bytes, 1, uint64_t{1} << 31);
  place.tls = read_tls(f.any("tls"), wrong);
}

void read_policy(OptionFields& f, ActivityPolicy& policy) {
  f.milliseconds("timeout_ms", policy.timeout_ns, 1, kWeekMs);
  f.milliseconds("attempt_timeout_ms", policy.run_timeout_ns, 0, kWeekMs);
  f.milliseconds("grace_ms", policy.grace_ns, 0, kHourMs);
  f.count("heartbeat_ms", policy.heartbeat_ms, 0, kHourMs);
}

// What is said in plain text stays on this machine, unless somebody wants it otherwise.
void refuse_plain_text(const std::vector<EndpointSpec>& endpoints, OptionFields& f) {
  for (const EndpointSpec& endpoint : endpoints) {
    const auto parts = split_endpoint(authority_of(endpoint.address));
    if (endpoint.address.starts_with("https://") || endpoint.address.starts_with("unix:") || (parts && is_loopback(parts->host))) continue;
    f.say("endpoints", "name \"" + endpoint.address + "\", which is on another machine, and anybody on the way could read and change what is said: say \"tls\": {}, or \"insecure\": true");
  }
}

std::optional<ProcessSpec> read_process(const Value& process, uint32_t& count, std::string& wrong) {
  if (!process) return std::nullopt;
  ProcessSpec out;
  OptionFields f(process, "process", wrong);
  for (const Value& word : f.list("command")) {
    if (word.kind() != HEDDLE_STRING) f.say("command", "must be a list of texts");
    out.command.emplace_back(word.as_text().value_or(""));
  }
  if (out.command.empty()) f.say("command", "must name a program");
  const Value environment = f.any("env");
  for (size_t i = 0; environment && i < environment.size(); ++i) {
    std::string_view name;
    const Value text = environment.at(i, &name);
    if (text.kind() != HEDDLE_STRING) f.say("env", "must be texts by name");
    out.environment.emplace_back(name, text.as_text().value_or(""));
  }
  out.folder = f.text("folder");
  uint64_t memory_mb = 0;
  f.count("memory_mb", memory_mb, 0, uint64_t{1} << 24);
  out.memory_bytes = memory_mb << 20;
  f.milliseconds("stop_ms", out.stop_ns, 0, kHourMs);
  f.count("count", count, 1, 64);
  return out;
}

std::optional<BrokerSettings> read_broker(const Value& broker, std::string& wrong) {
  if (!broker) return std::nullopt;
  OptionFields f(broker, "broker", wrong);
  for (const char* name : {"type", "params"}) f.need(name);
  BrokerSettings out{.type = f.text("type"), .params = f.any("params"), .uploads = f.text("uploads")};
  if (out.params && out.params.kind() != HEDDLE_MAP) f.say("params", "must be an object, not " + describe(out.params));
  return out;
}

void append_parts(std::string& key, const ProcessSpec& process, uint32_t count) {
  key += 'p';
  for (const std::string& word : process.command) append_part(key, word);
  for (const auto& [name, value] : process.environment) append_part(key += 'e', name + "=" + value);
  append_part(key, process.folder);
  for (const uint64_t n : {process.memory_bytes, process.stop_ns, uint64_t{count}}) append_part(key, n);
}

}  // namespace

std::string WorkerSettings::key() const {
  std::string key;
  append_part(key, sidecar);
  append_part(key, params.json());
  if (process) append_parts(key, *process, processes);
  else append_parts(key, endpoints);
  append_parts(key, place.tls);
  if (broker)
    for (const std::string& text : {broker->type, broker->params.json(), broker->uploads}) append_part(key, text);
  append_part(key, place.min_version);
  append_part(key, place.max_version);
  append_parts(key, policy);
  for (const uint64_t n : {place.slots, place.connect_ms, place.reattach_ms, place.most_bytes, absent_ns, probe_ns}) append_part(key, n);
  return key;
}

Result<WorkerOptions> read_worker_options(const Value& options) {
  std::string wrong;
  WorkerOptions out;
  WorkerSettings& group = out.group;
  {
    OptionFields f(options, "", wrong);
    f.need("sidecar");
    group.sidecar = f.text("sidecar");
    group.process = read_process(f.any("process"), group.processes, wrong);
    const Value endpoints = f.any("endpoints");
    if (!endpoints == !group.process) f.say("endpoints", group.process ? "and \"process\" cannot be together: its processes are the workers" : "is missing");
    if (endpoints) group.endpoints = read_endpoints(endpoints, wrong);
    group.params = f.any("params");
    if (!group.params) group.params = *Value::map({});
    if (group.params.kind() != HEDDLE_MAP) f.say("params", "must be an object, not " + describe(group.params));
    out.spec = f.text("spec");
    out.kind = f.text("kind");
    read_place(f, group.place, wrong);
    const Value insecure = f.any("insecure");
    if (!group.place.tls && !(insecure && insecure.as_bool().value_or(false))) refuse_plain_text(group.endpoints, f);
    group.broker = read_broker(f.any("broker"), wrong);
    group.policy.breaker = read_breaker(f.any("circuit_breaker"), wrong);
    group.policy.balance = read_balance(f.text("load_balance"), f).value_or(group.policy.balance);
    if (group.policy.balance == Balance::kHash) f.say("load_balance", "cannot be \"hash\": an activity goes to a worker that has room");
    f.milliseconds("absent_ms", group.absent_ns, 0, kWeekMs);
    f.milliseconds("probe_ms", group.probe_ns, 0, kHourMs);
    read_policy(f, out.activities);
    read_retry(f.any("retry"), out.activities.retry, group.policy.budget, wrong);
  }
  if (wrong.empty()) return out;
  return Error("invalid", "the options of the workers: " + wrong, ErrorClass::kConfig);
}

}  // namespace heddle
