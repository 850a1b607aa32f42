#include "pipeline/resolve.h"

#include <algorithm>
#include <unordered_map>

#include "clock.h"
#include "manifest/param_schema.h"
#include "pipeline/placement.h"
#include "pipeline/plan_words.h"
#include "pipeline/version.h"
#include "plugin/secrets.h"
#include "resilience/endpoint_pool.h"
#include "value/value.h"

namespace heddle {
namespace {

// An asynchronous node that nothing else bounds must answer within this time: every wait has an end.
constexpr uint64_t kAsynchronousTimeoutMs = 300'000;

std::string quoted(std::string_view s) { return "\"" + std::string(s) + "\""; }

std::string did_you_mean(const std::string& word) { return word.empty() ? std::string() : "did you mean " + quoted(word) + "?"; }

std::string list_of(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : ", ") + quoted(name);
  return out.empty() ? "none" : out;
}

// Collects the strings that a JSON Pointer with "-" for every element leads to.
void collect(const JsonNode* node, std::string_view pointer, std::vector<const JsonNode*>& out) {
  if (!node) return;
  if (pointer.empty()) {
    if (node->kind == JsonKind::kString) out.push_back(node);
    return;
  }
  pointer.remove_prefix(1);
  const size_t end = std::min(pointer.find('/'), pointer.size());
  const std::string_view segment = pointer.substr(0, end), rest = pointer.substr(end);
  if (node->kind == JsonKind::kList && segment == "-") {
    for (const JsonNode& item : node->items) collect(&item, rest, out);
  } else {
    collect(node->find(segment), rest, out);
  }
}

const Policy* policy_of(const Manifest& manifest, const NodeSettings& settings) {
  for (const Policy& policy : manifest.policies) {
    if (policy.name == settings.policy) return &policy;
  }
  return nullptr;
}

// What this host cannot do yet is refused by name: a setting that does nothing would be a lie.
void refuse_unsupported(const NodeSettings& node, Diagnostics& diagnostics) {
  const auto refuse = [&](std::string_view member, std::string what) {
    diagnostics.add({.code = "unsupported",
                     .pointer = node.pointer + "/" + std::string(member),
                     .span = node.span_of(member),
                     .message = "node " + quoted(node.id) + " asks for " + what + ", which this version of heddle does not have",
                     .hint = "remove it"});
  };
  if (node.isolation != "none") refuse("isolation", "\"isolation\": " + quoted(node.isolation));
  if (node.limit_memory_bytes || node.limit_cpu_ms) refuse("limits", "\"limits\"");
}

void report_unknown_type(const NodeSettings& node, const Catalog& catalog, Diagnostics& diagnostics) {
  if (node.node_type.empty() || diagnostics.is_unknown(node.type_span)) return;  // reported by the reader
  Diagnostic d{.code = "unknown-node-type", .pointer = node.pointer + "/node_type", .span = node.type_span, .message = {}, .hint = {}};
  d.message = "no installed plugin has the node type " + quoted(node.node_type);
  d.hint = catalog.hint_for("node", node.node_type);
  diagnostics.add(std::move(d));
}

// Timeout and batch of one node: what the manifest says, else the policy, else the type.
void resolve_limits(PipelineNode& node, const Policy* policy) {
  const NodeSettings& settings = node.settings;
  const TypeDescriptor& type = *node.entry.type;
  node.max_batch = std::max(1u, type.max_batch);
  node.idempotent = settings.idempotent.value_or(type.idempotent) || !settings.idempotency_key.empty();
  node.timeout_ms = settings.timeout_ms.value_or(0);
  if (policy && policy->attempt_timeout_ms) node.attempt_timeout_ms = *policy->attempt_timeout_ms;
  else if (settings.timeout_ms) node.attempt_timeout_ms = 0;
  else if (type.timeout_ms > 0) node.attempt_timeout_ms = type.timeout_ms;
  else if (type.max_in_flight > 0 && !type.inputs.empty()) node.attempt_timeout_ms = kAsynchronousTimeoutMs;
}

// The one endpoint of the pool is the node itself: nothing stands in for it, so it is never ejected, only its breaker keeps calls away.
std::shared_ptr<EndpointPool> pool_of(const PipelineNode& node) {
  PoolPolicy policy{.breaker = std::nullopt, .eject_after = 0, .slow_start_ns = 0, .budget = {.percent = node.retry.budget_percent}};
  if (const auto& breaker = node.circuit_breaker) {
    policy.breaker = BreakerPolicy{.failures_in_row = breaker->failure_threshold, .reset_ns = breaker->reset_timeout_ms * kNsPerMs, .successes = breaker->success_threshold};
  }
  return std::make_shared<EndpointPool>(std::vector<EndpointSpec>{{.address = node.settings.id}}, policy);
}

// What a policy says beside its time limit, for a node that the host calls again.
void resolve_policy(PipelineNode& node, const Policy& policy, Diagnostics& diagnostics) {
  const NodeSettings& settings = node.settings;
  const auto say = [&](Severity severity, std::string code, std::string message, std::string hint) {
    diagnostics.add({.severity = severity,
                     .code = std::move(code),
                     .pointer = settings.pointer + "/policy",
                     .span = settings.span_of("policy"),
                     .message = "node " + quoted(settings.id) + std::move(message),
                     .hint = std::move(hint)});
  };
  if (policy.hedge) {
    say(Severity::kError, "unsupported",
        " cannot be hedged, as its policy " + quoted(policy.name) + " says: a second call would go to the same node, and there is nowhere else",
        "hedging is for nodes with several endpoints, such as RemotePipeline; give this node a policy without \"hedge\"");
  }
  if (policy.retry && node.idempotent) node.retry = *policy.retry;
  else if (policy.retry && policy.retry->max_attempts > 1)
    say(Severity::kWarning, "retry-not-idempotent", " is not idempotent: it is not retried", "say \"idempotent\": true if the same input twice has the effect of once");
  node.circuit_breaker = policy.circuit_breaker;
  if (node.retry.max_attempts > 1 || node.circuit_breaker) node.pool = pool_of(node);
}

// What a policy says, for a node that does it itself: params, where it has none of its own.
void add_policy(const Policy& policy, PipelineNode& node, Diagnostics& diagnostics) {
  NodeSettings& settings = node.settings;
  for (JsonNode::Member& member : to_heddle1(policy).members) {
    if (settings.params.find(member.key)) continue;
    if (has_param(*node.entry.type, member.key)) {
      settings.params.members.push_back(std::move(member));
      continue;
    }
    diagnostics.add({.code = "unsupported",
                     .pointer = settings.pointer + "/policy",
                     .span = settings.span_of("policy"),
                     .message = "node " + quoted(settings.id) + " (" + settings.node_type + ") has no " + quoted(member.key) + ", which its policy " + quoted(policy.name) + " has",
                     .hint = "give this node a policy without it"});
  }
}

void check_parallel(const PipelineNode& node, Diagnostics& diagnostics) {
  const TypeDescriptor& type = *node.entry.type;
  const NodeSettings& settings = node.settings;
  if (settings.parallel <= 1 || type.max_in_flight > 0 || type.concurrency == Concurrency::kParallel) return;
  if (type.concurrency == Concurrency::kKeyed && settings.order == OrderMode::kByKey) return;
  diagnostics.add({.code = "not-parallel",
                   .pointer = settings.pointer + "/parallel",
                   .span = settings.span_of("parallel"),
                   .message = "node " + quoted(settings.id) + ": the type " + settings.node_type +
                              (type.concurrency == Concurrency::kKeyed ? " runs one call at a time per key" : " runs one call at a time"),
                   .hint = type.concurrency == Concurrency::kKeyed ? "add \"order\": {\"by_key\": …}" : "remove \"parallel\""});
}

// Gives the manifest's own params to a type that asks for them (a program that says $min_score).
void add_manifest_params(const Manifest& manifest, const TypeDescriptor& type, JsonNode& params) {
  if (type.manifest_params.empty()) return;
  const auto at = std::find_if(params.members.begin(), params.members.end(), [&](const auto& m) { return m.key == type.manifest_params; });
  JsonNode* target = at == params.members.end() ? nullptr : &at->value;
  if (!target) {
    params.members.push_back({type.manifest_params, {}, {}});
    target = &params.members.back().value;
    target->kind = JsonKind::kMap;
  }
  for (const ParamDeclaration& param : manifest.params) {
    if (param.value && !target->find(param.name)) target->members.push_back({param.name, param.span, *param.value});
  }
}

// The stand-in's work under the name and in the place of the node that cannot run.
NodeSettings in_place_of(const NodeSettings& node, const NodeSettings& stand_in) {
  NodeSettings out = stand_in;
  out.id = node.id;
  out.standby = false;
  out.is_output_node = node.is_output_node;
  out.merge = node.merge;
  return out;
}

bool may_run_elsewhere(const NodeSettings& node, HostOffers* others) {
  if (node.standby) return false;
  if (!node.placement_fallback.empty() || !others || node.placement == "local") return !node.placement_fallback.empty();
  if (!node.host.empty()) return true;
  const auto all = others->all();
  return !all || !(*all)->empty();
}

// The node becomes a call to that host, which runs it as a pipeline of its own.
void call_on(const RemoteHost& host, NodeSettings& node) {
  node.params = params_to_run_on(host, node);
  node.node_type = "RemotePipeline";
}

using Schemas = std::unordered_map<const TypeDescriptor*, Result<ParamSchema>>;

// Whether something in the params is known to be wrong, or is not known: what follows from that is not worth saying.
bool has_doubtful_params(const NodeSettings& settings, const Diagnostics& diagnostics) {
  return settings.member_spans.contains("params") && diagnostics.is_doubtful(settings.params_span);
}

void check_params(const NodeSettings& settings, const TypeDescriptor& type, const ParamSchema& schema, Diagnostics& diagnostics) {
  const std::string subject = "node " + quoted(settings.id) + " (" + type.type + ")";
  const std::string pointer = settings.pointer + "/params";
  if (!has_doubtful_params(settings, diagnostics)) return schema.check(settings.params, pointer, subject, diagnostics);
  if (diagnostics.is_unknown(settings.params_span)) return;
  Diagnostics found("", "");
  schema.check(settings.params, pointer, subject, found);
  for (const Diagnostic& d : found.all()) {
    if (d.pointer == pointer || !diagnostics.is_doubtful(d.span)) diagnostics.add(d);
  }
}

// An output port that the params name.
void add_output(PipelineNode& node, const JsonNode& name, Diagnostics& diagnostics) {
  if (name.text == "error") {
    diagnostics.add({.code = "reserved-port",
                     .pointer = node.settings.pointer + "/params",
                     .span = name.span,
                     .message = "node " + quoted(node.settings.id) + ": \"error\" is the port that every node has for items that fail",
                     .hint = "give this port another name"});
  } else if (std::find(node.outputs.begin(), node.outputs.end(), name.text) == node.outputs.end()) {
    node.outputs.push_back(name.text);
  }
}

// Type, ports and params of one node.
void resolve_type(PipelineNode& node, const Catalog& catalog, Schemas& schemas, Diagnostics& diagnostics) {
  const NodeSettings& settings = node.settings;
  node.lane = settings.lane.empty() ? "default" : settings.lane;
  node.stage = PipelineNode::kNoStage;
  node.entry = catalog.find("node", settings.node_type);
  const TypeDescriptor& type = *node.entry.type;
  redact_secrets(type, settings.params);
  auto schema = schemas.find(&type);
  if (schema == schemas.end()) schema = schemas.emplace(&type, ParamSchema::compile(type.params_schema)).first;
  if (schema->second) {
    check_params(settings, type, *schema->second, diagnostics);
  } else {
    diagnostics.add({.code = "bad-schema", .pointer = settings.pointer + "/node_type", .span = settings.type_span,
                     .message = "plugin " + node.entry.plugin->name + ": " + schema->second.error().text(), .hint = {}});
  }
  for (const PortDescriptor& port : type.inputs) node.inputs.push_back(port.name);
  for (const PortDescriptor& port : type.outputs) node.outputs.push_back(port.name);
  for (const std::string& pointer : type.output_ports_from) {
    std::vector<const JsonNode*> names;
    collect(&settings.params, pointer, names);
    for (const JsonNode* name : names) add_output(node, *name, diagnostics);
  }
}

}  // namespace

void redact_secrets(const TypeDescriptor& type, const JsonNode& params) {
  if (const auto value = Value::parse(params.json())) redact_secrets(type.params_schema, *value);
}

void resolve_nodes(const Manifest& manifest, const Catalog& catalog, HostOffers* others, Pipeline& pipeline, Diagnostics& diagnostics) {
  Schemas schemas;
  const HostCapabilities& local = local_capabilities();
  const auto type_of = [&](const std::string& name) { return catalog.find("node", name).type; };
  pipeline.nodes.reserve(manifest.nodes.size());
  for (const NodeSettings& settings : manifest.nodes) {
    PipelineNode& node = pipeline.nodes.emplace_back();
    node.settings = settings;
    const TypeDescriptor* type = type_of(settings.node_type);
    if (!type && !may_run_elsewhere(settings, others)) {
      report_unknown_type(settings, catalog, diagnostics);
      continue;
    }
    const auto placed = place_or_fall_back(manifest, settings, type_of, local, others, diagnostics);
    if (placed) {
      node.placement = placed->where;
      node.placement_reason = placed->reason;
      if (!placed->stand_in.empty()) node.settings = in_place_of(settings, *manifest.find(placed->stand_in));
      if (placed->host && type) {
        add_manifest_params(manifest, *type, node.settings.params);
        node.settings.idempotent = node.settings.idempotent.value_or(type->idempotent);
      }
      if (placed->host) call_on(*placed->host, node.settings);
      if (!catalog.find("node", node.settings.node_type).type) {
        report_unknown_type(node.settings, catalog, diagnostics);
        continue;
      }
    } else if (!type) {
      continue;
    }
    resolve_type(node, catalog, schemas, diagnostics);
    add_manifest_params(manifest, *node.entry.type, node.settings.params);
    const Policy* policy = policy_of(manifest, node.settings);
    refuse_unsupported(node.settings, diagnostics);
    const bool own_policy = node.entry.type->own_policy;
    if (policy && own_policy) add_policy(*policy, node, diagnostics);
    resolve_limits(node, own_policy ? nullptr : policy);
    if (policy && !own_policy) resolve_policy(node, *policy, diagnostics);
    check_parallel(node, diagnostics);
  }
}

void resolve_edges(const Manifest& manifest, Pipeline& pipeline, Diagnostics& diagnostics) {
  std::unordered_map<std::string_view, uint32_t> index;
  for (uint32_t i = 0; i < manifest.nodes.size(); ++i) {
    if (!manifest.nodes[i].id.empty()) index.emplace(manifest.nodes[i].id, i);
  }

  // The index of a port of a node, or nothing with a diagnostic.
  const auto port_of = [&](const Connection& c, uint32_t node_index, const std::string& port, bool output) -> std::optional<uint32_t> {
    const PipelineNode& node = pipeline.nodes[node_index];
    const std::vector<std::string>& ports = output ? node.outputs : node.inputs;
    if (output && port == "error") return PipelineEdge::kErrorPort;
    if (port.empty() && !ports.empty()) return 0;
    const auto found = std::find(ports.begin(), ports.end(), port);
    if (found != ports.end()) return static_cast<uint32_t>(found - ports.begin());
    if (output && !node.entry.type->output_ports_from.empty() && has_doubtful_params(node.settings, diagnostics)) return std::nullopt;
    if (diagnostics.is_unknown(output ? c.from_span : c.to_span)) return std::nullopt;
    Diagnostic d{.code = "no-such-port", .pointer = c.pointer + (output ? "/from" : "/to"), .span = output ? c.from_span : c.to_span, .message = {}, .hint = {}};
    const std::string what = output ? "output" : "input";
    d.message = "node " + quoted(node.settings.id) + " (" + node.settings.node_type + ") has no " + what +
                (port.empty() ? "" : " port " + quoted(port));
    d.hint = did_you_mean(nearest(port, ports));
    if (d.hint.empty()) d.hint = "its " + what + " ports: " + list_of(ports);
    diagnostics.add(std::move(d));
    return std::nullopt;
  };

  for (const Connection& c : manifest.connections) {
    const auto from = index.find(c.from_node), to = index.find(c.to_node);
    if (from == index.end() || to == index.end()) continue;  // reported by the reader
    if (!pipeline.nodes[from->second].entry.type || !pipeline.nodes[to->second].entry.type) continue;
    const auto from_port = port_of(c, from->second, c.from_port, true), to_port = port_of(c, to->second, c.to_port, false);
    if (!from_port || !to_port) continue;
    PipelineEdge edge;
    edge.from = from->second;
    edge.from_port = *from_port;
    edge.to = to->second;
    edge.to_port = *to_port;
    edge.queued = c.has_queue;
    edge.queue_items = c.queue.items.value_or(edge.queue_items);
    edge.queue_bytes = c.queue.bytes.value_or(edge.queue_bytes);
    edge.on_full = c.queue.on_full;
    edge.batch = c.batch;
    if (const uint32_t most = pipeline.nodes[edge.to].max_batch; edge.batch.items > most) {
      diagnostics.add({.severity = Severity::kWarning, .code = "batch-too-large", .pointer = c.pointer + "/batch", .span = c.span,
                       .message = "node " + quoted(c.to_node) + " takes at most " + std::to_string(most) + " items in one batch",
                       .hint = "a batch of " + std::to_string(edge.batch.items) + " reaches it in pieces"});
    }
    pipeline.edges.push_back(edge);
  }
}

void check_requirements(const Manifest& manifest, const Catalog& catalog, Diagnostics& diagnostics) {
  for (const PluginRequirement& need : manifest.plugins) {
    const PluginDescriptor* found = nullptr;
    std::vector<std::string> names;
    for (const auto& plugin : catalog.plugins()) {
      names.push_back(plugin->name);
      if (plugin->name == need.name) found = plugin.get();
    }
    Diagnostic d{.code = {}, .pointer = need.pointer, .span = need.span, .message = {}, .hint = {}};
    if (!found) {
      d.code = "plugin-missing";
      d.message = "the plugin " + quoted(need.name) + " is not installed";
      d.hint = did_you_mean(nearest(need.name, names));
    } else if (!version_satisfies(found->version, need.version)) {
      d.code = "plugin-version";
      d.message = "the plugin " + quoted(need.name) + " is installed in version " + found->version + ", but " + need.version + " is wanted";
    } else {
      continue;
    }
    diagnostics.add(std::move(d));
  }
}

}  // namespace heddle
