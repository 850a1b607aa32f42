#include "log.h"
#include "pipeline/build.h"
#include "pipeline/lane_config.h"
#include "pipeline/plan_words.h"

namespace heddle {
namespace {

JsonNode text(std::string_view value) {
  JsonNode node;
  node.kind = JsonKind::kString;
  node.text = log::redacted(value);
  return node;
}

JsonNode flag(bool value) {
  JsonNode node;
  node.kind = JsonKind::kBool;
  node.boolean = value;
  return node;
}

JsonNode count(uint64_t value) {
  JsonNode node;
  node.kind = JsonKind::kNumber;
  node.text = std::to_string(value);
  return node;
}

JsonNode decimal(double value) {
  JsonNode node = count(static_cast<uint64_t>(value));
  if (static_cast<double>(static_cast<uint64_t>(value)) == value) return node;
  node.text = std::to_string(value);
  node.text.erase(node.text.find_last_not_of('0') + 1);
  return node;
}

JsonNode list() {
  JsonNode node;
  node.kind = JsonKind::kList;
  return node;
}

JsonNode names(const std::vector<std::string>& values) {
  JsonNode node = list();
  for (const std::string& value : values) node.items.push_back(text(value));
  return node;
}

class MapWriter {
 public:
  MapWriter& add(std::string key, JsonNode value) {
    map_.members.push_back({std::move(key), {}, std::move(value)});
    return *this;
  }
  // Only where it was asked for: with `full`, or because it is no default.
  MapWriter& add_if(bool wanted, std::string key, JsonNode value) { return wanted ? add(std::move(key), std::move(value)) : *this; }
  JsonNode done() {
    map_.kind = JsonKind::kMap;
    return std::move(map_);
  }

 private:
  JsonNode map_;
};

JsonNode retry_node(const RetrySettings& retry) {
  return MapWriter()
      .add("max_attempts", count(retry.max_attempts))
      .add("initial_backoff_ms", count(retry.initial_backoff_ms))
      .add("max_backoff_ms", count(retry.max_backoff_ms))
      .add("multiplier", decimal(retry.multiplier))
      .add("jitter", text(retry.jitter))
      .add("budget_percent", count(retry.budget_percent))
      .done();
}

JsonNode breaker_node(const BreakerSettings& breaker) {
  return MapWriter()
      .add("failure_threshold", count(breaker.failure_threshold))
      .add("success_threshold", count(breaker.success_threshold))
      .add("reset_timeout_ms", count(breaker.reset_timeout_ms))
      .done();
}

JsonNode merge_node(const Merge& merge) {
  return MapWriter()
      .add("mode", text(name_of(merge.mode)))
      .add_if(merge.mode == MergeMode::kJoin, "key", text(merge.key))
      .add_if(merge.mode == MergeMode::kJoin, "timeout_ms", count(merge.timeout_ms))
      .done();
}

void add_plugin(MapWriter& map, const CatalogEntry& entry) {
  if (!entry.plugin) return;
  map.add("plugin", MapWriter()
                        .add("name", text(entry.plugin->name))
                        .add("version", text(entry.plugin->version))
                        .add("path", text(entry.plugin->path))
                        .done());
}

JsonNode order_node(OrderMode order, const std::string& key) {
  return order == OrderMode::kByKey ? MapWriter().add("by_key", text(key)).done() : text(name_of(order));
}

JsonNode node_node(const PipelineNode& node, bool full) {
  const NodeSettings& settings = node.settings;
  MapWriter map;
  map.add("id", text(settings.id)).add("node_type", text(settings.node_type));
  add_plugin(map, node.entry);
  map.add("placement", text(node.placement))
      .add("placement_reason", text(node.placement_reason))
      .add("lane", text(node.lane))
      .add_if(node.stage != PipelineNode::kNoStage, "stage", count(node.stage + uint64_t{1}))
      .add("standby", flag(settings.standby))
      .add("is_entry", flag(node.is_entry))
      .add("is_source", flag(node.is_source))
      .add("is_output", flag(node.is_output))
      .add("inputs", names(node.inputs))
      .add("outputs", names(node.outputs))
      .add_if(full || settings.parallel > 1, "parallel", count(settings.parallel))
      .add_if(full || settings.order != OrderMode::kStrict, "order", order_node(settings.order, settings.order_key))
      .add_if(full || settings.merge.mode != MergeMode::kArrival, "merge", merge_node(settings.merge))
      .add_if(full || node.timeout_ms > 0, "timeout_ms", count(node.timeout_ms))
      .add_if(full || node.attempt_timeout_ms > 0, "attempt_timeout_ms", count(node.attempt_timeout_ms))
      .add_if(full || node.retry.max_attempts > 1, "retry", retry_node(node.retry))
      .add_if(node.circuit_breaker.has_value(), "circuit_breaker", breaker_node(node.circuit_breaker.value_or(BreakerSettings())))
      .add_if(full || node.idempotent, "idempotent", flag(node.idempotent))
      .add_if(!settings.idempotency_key.empty(), "idempotency_key", text(settings.idempotency_key))
      .add_if(full || settings.keep_state, "keep_state", flag(settings.keep_state))
      .add_if(full, "max_batch", count(node.max_batch))
      .add_if(full, "params", without_secrets(settings.params));
  return map.done();
}

JsonNode stage_node(const Pipeline& pipeline, const PipelineStage& stage, size_t number) {
  JsonNode nodes = list();
  for (const uint32_t index : stage.nodes) nodes.items.push_back(text(pipeline.nodes.at(index).settings.id));
  return MapWriter()
      .add("stage", count(number))
      .add("lane", text(stage.lane))
      .add("nodes", std::move(nodes))
      .add("inline", flag(is_inline(stage)))
      .add("parallel", count(stage.parallel))
      .add("order", order_node(stage.order, stage.order_key))
      .add("one_by_one", flag(stage.watched))
      .add("asynchronous", flag(stage.asynchronous))
      .done();
}

JsonNode edge_node(const Pipeline& pipeline, const PipelineEdge& edge, bool full) {
  MapWriter map;
  const bool is_input = edge.from == PipelineEdge::kRunInput;
  map.add("from", is_input ? JsonNode() : text(pipeline.nodes.at(edge.from).settings.id))
      .add("from_port", is_input ? JsonNode() : text(from_port_of(pipeline, edge)))
      .add("to", text(pipeline.nodes.at(edge.to).settings.id))
      .add("to_port", text(to_port_of(pipeline, edge)))
      .add_if(edge.gives_original, "gives_original", flag(true))
      .add("queued", flag(edge.queued));
  if (!edge.queued) return map.done();
  map.add("reason", text(edge.reason));
  const PipelineEdge defaults;
  const bool is_default =
      edge.queue_items == defaults.queue_items && edge.queue_bytes == defaults.queue_bytes && edge.on_full == defaults.on_full;
  map.add_if(full || !is_default, "queue",
             MapWriter()
                 .add("items", count(edge.queue_items))
                 .add("bytes", count(edge.queue_bytes))
                 .add("on_full", text(name_of(edge.on_full)))
                 .done());
  map.add_if(full || edge.batch.items > 0, "batch",
             MapWriter().add("items", count(edge.batch.items)).add("linger_ms", count(edge.batch.linger_ms)).done());
  return map.done();
}

JsonNode lane_node(const LaneConfig& lane) {
  MapWriter map;
  map.add("name", text(lane.name));
  for (const auto& [key, value] : lane_members(lane)) {
    JsonNode node;
    Diagnostics ignored("", "");
    parse_document(value.json(), node, ignored);  // one of our own texts
    map.add(key, std::move(node));
  }
  return map.done();
}

}  // namespace

std::string plan_json(const Pipeline& pipeline, bool full) {
  JsonNode stages = list(), nodes = list(), edges = list(), lanes = list();
  for (size_t i = 0; i < pipeline.stages.size(); ++i) stages.items.push_back(stage_node(pipeline, pipeline.stages[i], i + 1));
  for (const PipelineNode& node : pipeline.nodes) nodes.items.push_back(node_node(node, full));
  for (const PipelineEdge& edge : pipeline.edges) edges.items.push_back(edge_node(pipeline, edge, full));
  for (const LaneConfig& lane : pipeline.lanes) lanes.items.push_back(lane_node(lane));
  const RunSettings& run = pipeline.run;
  return MapWriter()
      .add("name", text(pipeline.name))
      .add("stages", std::move(stages))
      .add("nodes", std::move(nodes))
      .add("connections", std::move(edges))
      .add("lanes", std::move(lanes))
      .add("run", MapWriter()
                      .add("item_deadline_ms", count(run.item_deadline_ms))
                      .add("on_error", text(name_of(run.on_error)))
                      .add("drain_ms", count(run.drain_ms))
                      .done())
      .done()
      .json();
}

}  // namespace heddle
