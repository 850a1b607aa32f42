#include <algorithm>
#include <unordered_map>

#include "manifest/sections.h"

namespace heddle {
namespace {

constexpr std::string_view kNodeKeys[] = {"id",    "node_type",  "params",          "lane",      "policy",        "timeout_ms", "parallel",
                                          "order", "merge",      "capabilities",    "execution", "host",          "isolation",  "limits",
                                          "state", "idempotent", "idempotency_key", "standby",   "is_output_node"};
constexpr std::string_view kOrderKeys[] = {"by_key"};
constexpr std::string_view kMergeKeys[] = {"mode", "key", "timeout_ms"};
constexpr std::string_view kCapabilityKeys[] = {"gpu", "cpu", "memory_gb"};
constexpr std::string_view kExecutionKeys[] = {"placement", "fallback"};
constexpr std::string_view kLimitKeys[] = {"memory_bytes", "cpu_ms"};
constexpr std::string_view kPlacements[] = {"local", "remote", "prefer_local", "prefer_remote", "auto"};
constexpr uint64_t kMaxParallel = 4'096;
constexpr uint64_t kMaxBytes = uint64_t{1} << 50;

JsonNode empty_map(Span span) {
  JsonNode node;
  node.kind = JsonKind::kMap;
  node.span = span;
  return node;
}

// The names that nodes may refer to.
struct Names {
  std::vector<std::string> lanes, policies;
};

bool contains(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

class NodeReader {
 public:
  NodeReader(ManifestReading& reading, JsonNode& entry, const Path& path, const Names& names)
      : reading_(reading), entry_(entry), path_(path), names_(names), f_(reading, entry, path, kNodeKeys, "a node") {}

  NodeSettings read() {
    n_.pointer = path_.pointer();
    n_.span = entry_.span;
    for (const JsonNode::Member& m : entry_.members) n_.member_spans.emplace(m.key, m.value.span);
    read_identity();
    read_params();
    read_names();
    read_scheduling();
    read_placement();
    constexpr std::string_view kIsolations[] = {"none", "process"};
    if (size_t i; f_.choice("isolation", {"none", "process"}, i)) n_.isolation = kIsolations[i];
    if (size_t i; f_.choice("state", {"none", "keep"}, i)) n_.keep_state = i == 1;
    f_.boolean("idempotent", n_.idempotent);
    f_.pointer("idempotency_key", n_.idempotency_key);
    f_.boolean("standby", n_.standby);
    f_.boolean("is_output_node", n_.is_output_node);
    return std::move(n_);
  }

 private:
  void read_identity() {
    n_.id_span = f_.span_of("id");
    n_.type_span = f_.span_of("node_type");
    if (f_.required_text("id", n_.id) && !reading_.is_open(n_.id) && !is_name(n_.id)) {
      f_.error("bad-name", "id", "\"" + n_.id + "\" cannot be the id of a node",
               "letters, digits, \"_\" and \"-\", not beginning with a digit");
    }
    f_.required_text("node_type", n_.node_type);
  }

  void read_params() {
    n_.params_span = f_.span_of("params");
    JsonNode* params = f_.get_map("params");
    n_.params = params ? std::move(*params) : empty_map(entry_.span);
    if (!params && f_.get("params")) reading_.diagnostics().doubt(n_.params_span);
    JsonNode* capabilities = f_.get("capabilities");
    n_.capabilities = empty_map(entry_.span);
    if (!capabilities) return;
    const Path at = f_.at("capabilities");
    Fields f(reading_, *capabilities, at, kCapabilityKeys, "a capability list");
    for (std::string_view key : kCapabilityKeys) {
      const JsonNode* value = f.get(key);
      const bool is_open = value && value->kind == JsonKind::kString && reading_.is_open(value->text);
      if (!value || is_open || is_capability(key, *value)) continue;
      f.error("wrong-type", key,
              "\"" + std::string(key) + "\" must be " + (key == "memory_gb" ? "a number" : "true, false, a number or a map") +
                  ", but this is " + std::string(name_of(value->kind)));
    }
    if (capabilities->kind != JsonKind::kMap) return;
    std::erase_if(capabilities->members,
                  [](const JsonNode::Member& m) { return is_extension(m.key); });  // kept with the others of their kind
    n_.capabilities = std::move(*capabilities);
  }

  void read_names() {
    if (f_.text("lane", n_.lane)) check_name("lane", n_.lane, names_.lanes, "unknown-lane", "define it in \"lanes\"");
    if (f_.text("policy", n_.policy)) check_name("policy", n_.policy, names_.policies, "unknown-policy", "define it in \"policies\"");
  }

  void check_name(std::string_view key, const std::string& name, const std::vector<std::string>& known, std::string code,
                  std::string advice) {
    if (reading_.is_open(name) || contains(known, name)) return;
    std::string hint = reading_.suggestion(name, known);
    f_.error(std::move(code), key, "there is no " + std::string(key) + " \"" + name + "\"",
             hint.empty() ? std::move(advice) : std::move(hint));
  }

  void read_scheduling() {
    if (uint64_t ms; f_.integer("timeout_ms", 1, kMaxMilliseconds, ms)) n_.timeout_ms = ms;
    f_.integer("parallel", 1, kMaxParallel, n_.parallel);
    if (JsonNode* order = f_.get("order")) read_order(*order);
    if (JsonNode* merge = f_.get("merge")) read_merge(*merge);
    if (JsonNode* limits = f_.get("limits")) {
      const Path at = f_.at("limits");
      Fields f(reading_, *limits, at, kLimitKeys, "a list of limits");
      if (uint64_t n; f.integer("memory_bytes", 1, kMaxBytes, n)) n_.limit_memory_bytes = n;
      if (uint64_t n; f.integer("cpu_ms", 1, kMaxMilliseconds, n)) n_.limit_cpu_ms = n;
    }
  }

  void read_order(JsonNode& order) {
    if (order.kind == JsonKind::kString && !reading_.is_open(order.text) && order.text != "strict" && order.text != "none") {
      f_.error("unknown-choice", "order", "\"order\" must be \"strict\", \"none\" or {\"by_key\": …}, but is \"" + order.text + "\"",
               order.text == "by_key" ? "write {\"by_key\": \"/account\"}: the JSON Pointer of the key"
                                      : reading_.suggestion(order.text, {"strict", "none", "by_key"}));
      return;
    }
    if (order.kind != JsonKind::kMap) {
      if (size_t i; f_.choice("order", {"strict", "none"}, i)) n_.order = i == 0 ? OrderMode::kStrict : OrderMode::kNone;
      return;
    }
    const Path at = f_.at("order");
    Fields f(reading_, order, at, kOrderKeys, "an order");
    if (f.require("by_key") && f.pointer("by_key", n_.order_key)) n_.order = OrderMode::kByKey;
  }

  void read_merge(JsonNode& merge) {
    if (merge.kind == JsonKind::kString && !reading_.is_open(merge.text)) {
      const std::string meant = nearest(merge.text, {"arrival", "round_robin", "by_sequence", "zip", "join"});
      f_.error("wrong-type", "merge", "\"merge\" must be a map, but this is a string",
               "write {\"mode\": \"" + (meant.empty() ? "arrival" : meant) +
                   "\"}; the modes are arrival, round_robin, by_sequence, zip and join");
      return;
    }
    const Path at = f_.at("merge");
    Fields f(reading_, merge, at, kMergeKeys, "a merge");
    size_t mode = 0;
    const bool has_mode = f.require("mode") && f.choice("mode", {"arrival", "round_robin", "by_sequence", "zip", "join"}, mode);
    if (!has_mode) return;
    n_.merge.mode = static_cast<MergeMode>(mode);
    f.pointer("key", n_.merge.key);
    f.integer("timeout_ms", 0, kMaxMilliseconds, n_.merge.timeout_ms);
    if (n_.merge.mode == MergeMode::kJoin) {
      f.require("key");
      return;
    }
    for (std::string_view key : {"key", "timeout_ms"}) {
      if (f.get(key)) f.error("bad-merge", key, "\"" + std::string(key) + "\" is for the mode \"join\" only", "remove it");
    }
  }

  void read_placement() {
    if (JsonNode* execution = f_.get("execution")) {
      const Path at = f_.at("execution");
      Fields f(reading_, *execution, at, kExecutionKeys, "an execution");
      if (size_t i; f.choice("placement", {"local", "remote", "prefer_local", "prefer_remote", "auto"}, i)) n_.placement = kPlacements[i];
      f.text("fallback", n_.placement_fallback);
    }
    if (f_.text("host", n_.host) && !reading_.is_open(n_.host) && !is_host_port(n_.host)) {
      f_.error("bad-host", "host", "\"" + n_.host + "\" is no host with a port", "write it as \"host:port\"");
    }
  }

  ManifestReading& reading_;
  JsonNode& entry_;
  const Path& path_;
  const Names& names_;
  Fields f_;
  NodeSettings n_;
};

// What can be checked only when all nodes are known.
void check_ids(ManifestReading& reading, const JsonNode& section, const Path& path) {
  std::unordered_map<std::string_view, const NodeSettings*> first;
  const std::vector<NodeSettings>& nodes = reading.manifest().nodes;
  NodeIds ids(reading);
  for (size_t i = 0; i < nodes.size(); ++i) {
    const NodeSettings& n = nodes[i];
    const Path at(path, i);
    if (n.id.empty()) continue;
    if (auto [it, is_new] = first.emplace(n.id, &n); !is_new && reading.diagnostics().errors() < Diagnostics::kMax) {
      const Diagnostics::Place p = reading.diagnostics().place(it->second->id_span.offset);
      reading.error("duplicate-id", Path(at, "id"), n.id_span,
                    "two nodes have the id \"" + n.id + "\"; the first is at line " + std::to_string(p.line) + ", column " +
                        std::to_string(p.column));
    }
    if (n.placement_fallback.empty() || reading.is_open(n.placement_fallback)) continue;
    const Path execution(at, "execution");
    const JsonNode* value = section.items[i].find("execution")->find("fallback");
    ids.expect(n.placement_fallback, Path(execution, "fallback"), value->span);
    if (n.placement_fallback == n.id)
      reading.error("bad-fallback", Path(execution, "fallback"), value->span, "the node \"" + n.id + "\" cannot be its own fallback");
  }
}

}  // namespace

Span NodeSettings::span_of(std::string_view member) const {
  const auto it = member_spans.find(member);
  return it == member_spans.end() ? span : it->second;
}

void read_nodes(ManifestReading& reading, JsonNode& section, const Path& path) {
  if (section.kind != JsonKind::kList) {
    reading.error("wrong-type", path, section.span, "\"nodes\" must be a list, but this is " + std::string(name_of(section.kind)));
    return;
  }
  if (section.items.empty()) reading.error("no-nodes", path, section.span, "the manifest has no nodes");
  if (section.items.size() > kMaxManifestNodes) {
    reading.error("too-many-nodes", path, {section.span.offset, 1},
                  "the manifest has " + std::to_string(section.items.size()) + " nodes; the limit is " + std::to_string(kMaxManifestNodes));
    return;
  }
  Names names{{std::begin(kHostLanes), std::end(kHostLanes)}, {}};
  for (const LaneSettings& lane : reading.manifest().lanes) names.lanes.push_back(lane.name);
  for (const Policy& policy : reading.manifest().policies) names.policies.push_back(policy.name);
  reading.manifest().nodes.reserve(section.items.size());
  for (size_t i = 0; i < section.items.size(); ++i) {
    const Path at(path, i);
    reading.manifest().nodes.push_back(NodeReader(reading, section.items[i], at, names).read());
  }
  check_ids(reading, section, path);
}

bool is_host_port(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return false;
  const std::string_view host = text.substr(0, colon);
  const bool is_bracketed = host.front() == '[' && host.back() == ']' && host.size() > 2;
  if (host.find_first_of(" \t\n\r/") != std::string_view::npos || (!is_bracketed && host.find(':') != std::string_view::npos)) return false;
  uint64_t port = 0;
  return to_whole(text.substr(colon + 1), port) && port >= 1 && port <= 65'535;
}

bool is_capability(std::string_view key, const JsonNode& value) {
  double amount = 0;
  const bool is_amount = value.kind == JsonKind::kNumber && to_double(value.text, amount) && amount >= 0;
  return is_amount || (key != "memory_gb" && (value.kind == JsonKind::kBool || value.kind == JsonKind::kMap));
}

}  // namespace heddle
