#include "pipeline/plan_words.h"

#include "log.h"

namespace heddle {
namespace {

template <class Mode, size_t N>
std::string_view pick(const std::string_view (&names)[N], Mode mode) {
  const auto i = static_cast<size_t>(mode);
  return i < N ? names[i] : "?";
}

}  // namespace

std::string_view name_of(OnFull on_full) {
  constexpr std::string_view kNames[] = {"block", "drop_newest", "drop_oldest"};
  return pick(kNames, on_full);
}

std::string_view name_of(OrderMode order) {
  constexpr std::string_view kNames[] = {"strict", "by_key", "none"};
  return pick(kNames, order);
}

std::string_view name_of(MergeMode merge) {
  constexpr std::string_view kNames[] = {"arrival", "round_robin", "by_sequence", "zip", "join"};
  return pick(kNames, merge);
}

std::string_view name_of(OnError on_error) {
  constexpr std::string_view kNames[] = {"dead_letter", "fail"};
  return pick(kNames, on_error);
}

bool has_param(const TypeDescriptor& type, std::string_view name) {
  const auto schema = Value::parse(type.params_schema);
  const Value properties = schema ? schema->find("properties") : Value();
  return properties && properties.find(name);
}

std::string from_port_of(const Pipeline& pipeline, const PipelineEdge& edge) {
  if (edge.from == PipelineEdge::kRunInput) return {};
  return edge.from_port == PipelineEdge::kErrorPort ? "error" : pipeline.nodes.at(edge.from).outputs.at(edge.from_port);
}

std::string to_port_of(const Pipeline& pipeline, const PipelineEdge& edge) { return pipeline.nodes.at(edge.to).inputs.at(edge.to_port); }

bool is_inline(const PipelineStage& stage) { return stage.parallel <= 1 && !stage.asynchronous && !stage.watched; }

JsonNode without_secrets(JsonNode node) {
  node.text = log::redacted(node.text);
  for (JsonNode& item : node.items) item = without_secrets(std::move(item));
  for (JsonNode::Member& member : node.members) {
    member.key = log::redacted(member.key);
    member.value = without_secrets(std::move(member.value));
  }
  return node;
}

}  // namespace heddle
