#include <algorithm>
#include <charconv>

#include "manifest/manifest.h"
#include "manifest/path.h"

namespace heddle {
namespace {

JsonNode scalar(JsonKind kind, std::string text) {
  JsonNode node;
  node.kind = kind;
  node.text = std::move(text);
  return node;
}
JsonNode json(const std::string& text) { return scalar(JsonKind::kString, text); }
JsonNode json(std::string_view text) { return scalar(JsonKind::kString, std::string(text)); }
JsonNode json(const char* text) { return scalar(JsonKind::kString, text); }
JsonNode json(uint64_t n) { return scalar(JsonKind::kNumber, std::to_string(n)); }
JsonNode json(bool b) {
  JsonNode node;
  node.kind = JsonKind::kBool;
  node.boolean = b;
  return node;
}
JsonNode json(double d) {
  char text[32];
  return scalar(JsonKind::kNumber, std::string(text, std::to_chars(text, text + sizeof text, d).ptr));
}
JsonNode container(JsonKind kind) { return scalar(kind, {}); }

JsonNode parsed(const std::string& text) {
  JsonNode node;
  Diagnostics ignored("", "");
  parse_document(text, node, ignored);  // one of our own texts
  return node;
}

// A map that grows: members that say something, in the order of the calls.
class Map {
 public:
  template <class T>
  void add(std::string_view key, T value) {
    node_.members.push_back({std::string(key), {}, json(std::move(value))});
  }
  void add(std::string_view key, JsonNode value) { node_.members.push_back({std::string(key), {}, std::move(value)}); }
  void add(std::string_view key, Map value) { add(key, std::move(value.node_)); }
  template <class T>
  void add_unless(std::string_view key, const T& value, const T& unsaid) {
    if (value != unsaid) add(key, value);
  }
  void add_text(std::string_view key, const std::string& value) { add_unless<std::string>(key, value, {}); }
  void add_map(std::string_view key, Map value) {
    if (!value.node_.members.empty()) add(key, std::move(value));
  }
  void add_list(std::string_view key, JsonNode list) {
    if (!list.items.empty()) add(key, std::move(list));
  }
  JsonNode take() && { return std::move(node_); }

 private:
  JsonNode node_ = container(JsonKind::kMap);
};

template <class T, class Write>
JsonNode list_of(const std::vector<T>& things, Write write) {
  JsonNode list = container(JsonKind::kList);
  for (const T& thing : things) list.items.push_back(write(thing));
  return list;
}

template <class T, class Write>
Map named(const std::vector<T>& things, Write write) {
  Map map;
  for (const T& thing : things) map.add(thing.name, write(thing));
  return map;
}

Map metadata_of(const Manifest& m) {
  Map out;
  out.add_text("name", m.name);
  out.add_text("description", m.description);
  for (const JsonNode::Member& member : m.metadata.members) out.add(member.key, member.value);
  return out;
}

JsonNode write(const ParamDeclaration& p) {
  constexpr std::string_view kTypes[] = {"string", "number", "integer", "boolean", "secret"};
  Map out;
  out.add("type", kTypes[static_cast<size_t>(p.type)]);
  out.add_text("description", p.description);
  out.add_text("from", p.from);
  if (p.default_value) out.add("default", *p.default_value);
  if (!p.min.empty()) out.add("min", scalar(JsonKind::kNumber, p.min));
  if (!p.max.empty()) out.add("max", scalar(JsonKind::kNumber, p.max));
  out.add_list("enum", list_of(p.choices, [](const JsonNode& c) { return c; }));
  return std::move(out).take();
}

JsonNode write(const PluginRequirement& p) {
  Map out;
  out.add("name", p.name);
  out.add_text("version", p.version);
  return std::move(out).take();
}

JsonNode write(const BoostSettings& boost) {
  constexpr std::string_view kKinds[] = {"standard", "aggressive", "custom", "off"};
  Map out;
  out.add("kind", kKinds[static_cast<size_t>(boost.kind)]);
  out.add_unless<uint64_t>("within_ms", boost.within_ms, 0);
  out.add_list("steps", list_of(boost.steps, [](const BoostSettings::Step& step) {
    Map one;
    one.add("percent_left", uint64_t{step.percent_left});
    one.add("levels", uint64_t{step.levels});
    return std::move(one).take();
  }));
  return std::move(out).take();
}

// What is said of a lane is kept also where it equals the default: which one that is depends on the lane.
JsonNode write(const LaneSettings& lane) {
  Map out;
  const auto add = [&](std::string_view key, const std::optional<uint32_t>& value) {
    if (value) out.add(key, uint64_t{*value});
  };
  add("priority", lane.priority);
  add("min_concurrency", lane.min_concurrency);
  if (lane.max_concurrency == 0u) out.add("max_concurrency", JsonNode());
  else add("max_concurrency", lane.max_concurrency);
  add("weight", lane.weight);
  if (lane.priority_boost) out.add("priority_boost", write(*lane.priority_boost));
  return std::move(out).take();
}

JsonNode write(const Policy& policy) { return to_heddle1(policy); }

Map merge_of(const Merge& merge) {
  constexpr std::string_view kModes[] = {"arrival", "round_robin", "by_sequence", "zip", "join"};
  Map out;
  if (merge.mode == MergeMode::kArrival) return out;
  out.add("mode", kModes[static_cast<size_t>(merge.mode)]);
  if (merge.mode == MergeMode::kJoin) out.add("key", merge.key);
  out.add_unless<uint64_t>("timeout_ms", merge.timeout_ms, 0);
  return out;
}

JsonNode write(const NodeSettings& n) {
  const NodeSettings unsaid;
  Map out;
  out.add("id", n.id);
  out.add("node_type", n.node_type);
  out.add_text("lane", n.lane);
  out.add_text("policy", n.policy);
  if (n.timeout_ms) out.add("timeout_ms", *n.timeout_ms);
  out.add_unless<uint64_t>("parallel", n.parallel, unsaid.parallel);
  if (n.order == OrderMode::kNone) out.add("order", "none");
  if (n.order == OrderMode::kByKey) {
    Map order;
    order.add("by_key", n.order_key);
    out.add("order", std::move(order));
  }
  out.add_map("merge", merge_of(n.merge));
  if (!n.capabilities.members.empty()) out.add("capabilities", n.capabilities);
  Map execution, limits;
  execution.add_unless("placement", n.placement, unsaid.placement);
  execution.add_text("fallback", n.placement_fallback);
  out.add_map("execution", std::move(execution));
  out.add_text("host", n.host);
  out.add_unless("isolation", n.isolation, unsaid.isolation);
  if (n.limit_memory_bytes) limits.add("memory_bytes", *n.limit_memory_bytes);
  if (n.limit_cpu_ms) limits.add("cpu_ms", *n.limit_cpu_ms);
  out.add_map("limits", std::move(limits));
  if (n.keep_state) out.add("state", "keep");
  if (n.idempotent) out.add("idempotent", *n.idempotent);
  out.add_text("idempotency_key", n.idempotency_key);
  out.add_unless("standby", n.standby, false);
  out.add_unless("is_output_node", n.is_output_node, false);
  if (!n.params.members.empty()) out.add("params", n.params);
  return std::move(out).take();
}

JsonNode write(const Connection& c) {
  constexpr std::string_view kOnFull[] = {"block", "drop_newest", "drop_oldest"};
  auto endpoint = [](const std::string& node, const std::string& port) { return port.empty() ? node : node + '.' + port; };
  Map out;
  out.add("from", endpoint(c.from_node, c.from_port));
  out.add("to", endpoint(c.to_node, c.to_port));
  if (c.has_queue) {
    Map queue;
    if (c.queue.items) queue.add("items", *c.queue.items);
    if (c.queue.bytes) queue.add("bytes", *c.queue.bytes);
    queue.add("on_full", kOnFull[static_cast<size_t>(c.queue.on_full)]);
    out.add("queue", std::move(queue));
  }
  if (c.batch.items > 0) {
    Map batch;
    batch.add("items", uint64_t{c.batch.items});
    batch.add_unless<uint64_t>("linger_ms", c.batch.linger_ms, 0);
    out.add("batch", std::move(batch));
  }
  return std::move(out).take();
}

Map run_of(const RunSettings& run) {
  const RunSettings unsaid;
  Map out;
  out.add_unless("item_deadline_ms", run.item_deadline_ms, unsaid.item_deadline_ms);
  if (run.on_error == OnError::kFail) out.add("on_error", "fail");
  out.add_unless("drain_ms", run.drain_ms, unsaid.drain_ms);
  return out;
}

JsonNode write(const TestCase& t) {
  auto items = [](const std::map<std::string, std::vector<std::string>>& by_node) {
    Map map;
    for (const auto& [node, texts] : by_node) map.add(node, list_of(texts, parsed));
    return map;
  };
  Map out;
  out.add_text("name", t.name);
  out.add("in", items(t.in));
  out.add("expect", items(t.expect));
  return std::move(out).take();
}

// The value at `pointer`, made with the maps on the way where they are missing; null where the way leads through something else.
JsonNode* at_pointer(JsonNode& root, std::string_view pointer) {
  JsonNode* node = &root;
  while (!pointer.empty()) {
    const size_t end = std::min(pointer.find('/', 1), pointer.size());
    std::string token;
    for (size_t i = 1; i < end; ++i) {
      const bool is_escape = pointer[i] == '~' && i + 1 < end;
      token += is_escape ? (pointer[++i] == '1' ? '/' : '~') : pointer[i];
    }
    pointer.remove_prefix(end);
    if (node->kind == JsonKind::kList) {
      size_t index = 0;
      const auto [p, fault] = std::from_chars(token.data(), token.data() + token.size(), index);
      if (fault != std::errc() || index >= node->items.size()) return nullptr;
      node = &node->items[index];
      continue;
    }
    if (node->kind != JsonKind::kMap) return nullptr;
    auto found = std::find_if(node->members.begin(), node->members.end(), [&](const JsonNode::Member& m) { return m.key == token; });
    if (found == node->members.end()) found = node->members.insert(found, {token, {}, container(JsonKind::kMap)});
    node = &found->value;
  }
  return node;
}

}  // namespace

JsonNode to_heddle1(const Policy& p) {
  Map out;
  if (p.attempt_timeout_ms) out.add("attempt_timeout_ms", *p.attempt_timeout_ms);
  if (p.retry) {
    Map retry;
    retry.add("max_attempts", uint64_t{p.retry->max_attempts});
    retry.add("initial_backoff_ms", p.retry->initial_backoff_ms);
    retry.add("max_backoff_ms", p.retry->max_backoff_ms);
    retry.add("multiplier", p.retry->multiplier);
    retry.add("jitter", p.retry->jitter);
    retry.add("budget_percent", uint64_t{p.retry->budget_percent});
    out.add("retry", std::move(retry));
  }
  if (p.circuit_breaker) {
    Map breaker;
    breaker.add("failure_threshold", uint64_t{p.circuit_breaker->failure_threshold});
    breaker.add("success_threshold", uint64_t{p.circuit_breaker->success_threshold});
    breaker.add("reset_timeout_ms", p.circuit_breaker->reset_timeout_ms);
    out.add("circuit_breaker", std::move(breaker));
  }
  if (p.hedge) {
    Map hedge;
    hedge.add("after", p.hedge->after);
    hedge.add("max_extra", uint64_t{p.hedge->max_extra});
    out.add("hedge", std::move(hedge));
  }
  return std::move(out).take();
}

std::string to_heddle1(const Manifest& m) {
  auto write_one = [](const auto& thing) { return write(thing); };
  Map out;
  out.add("version", "heddle/1");
  out.add_map("metadata", metadata_of(m));
  out.add_map("params", named(m.params, write_one));
  out.add_list("plugins", list_of(m.plugins, write_one));
  out.add_map("lanes", named(m.lanes, write_one));
  out.add_map("policies", named(m.policies, write_one));
  out.add("nodes", list_of(m.nodes, write_one));
  out.add_list("connections", list_of(m.connections, write_one));
  out.add_map("run", run_of(m.run));
  if (m.worker) out.add("worker", m.worker->section);
  out.add_list("tests", list_of(m.tests, write_one));
  JsonNode document = std::move(out).take();
  for (const auto& [pointer, text] : m.written) {
    if (JsonNode* node = at_pointer(document, pointer)) *node = json(text);
  }
  for (const auto& [pointer, text] : m.extensions) {
    if (JsonNode* node = at_pointer(document, pointer)) *node = parsed(text);
  }
  if (m.has_input) {
    Map wrapper;
    wrapper.add("manifest", std::move(document));
    wrapper.add("input_data", list_of(m.input, parsed));
    document = std::move(wrapper).take();
  }
  return document.pretty() + '\n';
}

}  // namespace heddle
