#include "pipeline/fallback.h"

#include <algorithm>
#include <optional>
#include <string>
#include <unordered_map>

namespace heddle {
namespace {

std::string quoted(std::string_view s) { return "\"" + std::string(s) + "\""; }

// The entry of "fallback" that names a node; null: none does.
const JsonNode* named_in(const JsonNode& params) {
  const JsonNode* const fallback = params.find("fallback");
  if (!fallback || fallback->kind != JsonKind::kList) return nullptr;
  for (const JsonNode& entry : fallback->items) {
    const JsonNode* const node = entry.kind == JsonKind::kMap ? entry.find("node") : nullptr;
    if (node && node->kind == JsonKind::kString) return node;
  }
  return nullptr;
}

class Connecting {
 public:
  Connecting(Pipeline& pipeline, Diagnostics& diagnostics) : pipeline_(pipeline), diagnostics_(diagnostics) {
    for (uint32_t i = 0; i < pipeline.nodes.size(); ++i) index_.emplace(pipeline.nodes[i].settings.id, i);
  }

  void connect(uint32_t from, const JsonNode& named) {
    const auto to = stand_in(from, named);
    if (!to) return;
    PipelineNode& stand_in = pipeline_.nodes[*to];
    stand_in.settings.standby = false;
    stand_in.settings.is_output_node = pipeline_.nodes[from].settings.is_output_node;
    stand_in.placement = "local";
    stand_in.placement_reason = "it takes the items that fail in " + quoted(pipeline_.nodes[from].settings.id);
    const size_t said = pipeline_.edges.size();
    for (size_t i = 0; i < said; ++i) {
      PipelineEdge edge = pipeline_.edges[i];
      if (edge.from != from || edge.from_port >= stand_in.outputs.size()) continue;
      edge.from = *to;
      pipeline_.edges.push_back(edge);
    }
    PipelineEdge way;
    way.from = from;
    way.from_port = PipelineEdge::kErrorPort;
    way.to = *to;
    way.gives_original = true;
    pipeline_.edges.push_back(way);
  }

 private:
  std::optional<uint32_t> stand_in(uint32_t from, const JsonNode& named) {
    const NodeSettings& node = pipeline_.nodes[from].settings;
    const auto wrong = [&](std::string why, std::string hint) {
      diagnostics_.add({.code = "bad-fallback", .pointer = node.pointer + "/params/fallback", .span = named.span, .message = "node " + quoted(node.id) + " cannot fall back to " + quoted(named.text) + ": " + why,
                        .hint = std::move(hint)});
      return std::nullopt;
    };
    const auto found = index_.find(named.text);
    if (found == index_.end()) return wrong("there is no such node", "");
    const PipelineNode& to = pipeline_.nodes[found->second];
    if (!to.entry.type) return std::nullopt;  // reported
    if (!to.settings.standby)
      return wrong(found->second == from ? "that is the node itself" : "it has work of its own, or stands in for another node already", "name a node of its own that says \"standby\": true");
    if (to.inputs.empty()) return wrong("it is a source, and takes no items", "");
    const auto is_error_edge = [&](const PipelineEdge& edge) { return edge.from == from && edge.from_port == PipelineEdge::kErrorPort; };
    if (std::any_of(pipeline_.edges.begin(), pipeline_.edges.end(), is_error_edge))
      return wrong("its port \"error\" is connected, so that failed items have a way already", "remove one of the two");
    return found->second;
  }

  Pipeline& pipeline_;
  Diagnostics& diagnostics_;
  std::unordered_map<std::string, uint32_t> index_;
};

}  // namespace

void connect_fallbacks(Pipeline& pipeline, Diagnostics& diagnostics) {
  Connecting connecting(pipeline, diagnostics);
  for (uint32_t i = 0; i < pipeline.nodes.size(); ++i) {
    const PipelineNode& node = pipeline.nodes[i];
    if (!node.entry.type || !node.entry.type->own_policy || node.settings.standby) continue;
    if (const JsonNode* const named = named_in(node.settings.params)) connecting.connect(i, *named);
  }
}

}  // namespace heddle
