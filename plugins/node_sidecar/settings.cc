#include "settings.h"

#include <span>
#include <vector>

namespace node_sidecar {
namespace {

using namespace heddle::sdk;

std::string text_of(ValueRef params, std::string_view name) { return std::string(params.find(name).as_text().value_or("")); }

Value read_endpoints(ValueRef params) {
  const ValueRef one = params.find("endpoint"), several = params.find("endpoints");
  if (params.find("process")) {
    if (one || several) throw Error(HEDDLE_INVALID, "\"process\" and \"endpoints\" cannot be together: its processes are the workers");
    return {};
  }
  if (!one == !several) throw Error(HEDDLE_INVALID, one ? "say \"endpoint\" or \"endpoints\", not both" : "\"endpoints\" is missing: where the workers are, or \"process\": how they are started");
  const Value named = one ? Value::list({Value::share(one)}) : Value::share(several);
  std::vector<Value> all;
  for (size_t i = 0; i < named.size(); ++i) {
    const ValueRef endpoint = named.at(i);
    all.push_back(endpoint.is(HEDDLE_MAP) ? Value::share(endpoint) : Value::map({{"address", Value::share(endpoint)}}));
  }
  return Value::list(std::move(all));
}

}  // namespace

Settings read_settings(ValueRef params) {
  std::vector<Value::Entry> options;
  if (Value endpoints = read_endpoints(params)) options.push_back({"endpoints", std::move(endpoints)});
  const auto add = [&](std::string_view name, ValueRef value) {
    if (value) options.push_back({name, Value::share(value)});
  };
  options.push_back({"sidecar", Value::string(params.find("sidecar").as_text().value_or("execution"))});
  add("params", params.find("sidecar_params"));
  add("version", params.find("protocol"));
  for (const char* name : {"process", "broker", "spec", "kind", "slots", "load_balance", "timeout_ms", "attempt_timeout_ms", "absent_ms", "grace_ms", "heartbeat_ms", "reattach_ms", "retry", "circuit_breaker", "tls", "insecure", "most_bytes"})
    add(name, params.find(name));
  const ValueRef check = params.find("health_check");
  add("probe_ms", check.find("interval_ms"));
  add("connect_ms", check.find("timeout_ms"));
  return {.options = Value::map(std::span(options)),
          .kind = text_of(params, "kind"),
          .version = text_of(params, "version"),
          .workflow = text_of(params, "workflow"),
          .params = Value::share(params.find("params")),
          .inputs = Inputs(params.find("inputs")),
          .with_history = params.find("with_history").as_bool().value_or(false)};
}

}  // namespace node_sidecar
