#include "cli/drawing.h"

#include <array>
#include <string_view>
#include <unordered_map>

namespace heddle {
namespace {

// Light fills that black text is read on, each with a border of its hue.
constexpr std::array<std::pair<std::string_view, std::string_view>, 8> kPalette{{{"#e8f0fe", "#3367d6"},
                                                                                 {"#e6f4ea", "#188038"},
                                                                                 {"#fef7e0", "#b06000"},
                                                                                 {"#fce8e6", "#c5221f"},
                                                                                 {"#f3e8fd", "#7627bb"},
                                                                                 {"#e4f7fb", "#007b83"},
                                                                                 {"#fde7f3", "#b80672"},
                                                                                 {"#eef0e4", "#5b6b1f"}}};

uint32_t fnv1a(std::string_view text) {
  uint32_t hash = 2166136261u;
  for (unsigned char c : text) hash = (hash ^ c) * 16777619u;
  return hash;
}

// A node without arrows in is an entry, one without arrows out an output: what the manifest alone says.
void mark_ends(Drawing& drawing) {
  std::vector<bool> has_in(drawing.nodes.size()), has_out(drawing.nodes.size());
  for (const DrawnEdge& edge : drawing.edges) {
    has_in[edge.to] = true;
    if (edge.from_port != "error") has_out[edge.from] = true;
  }
  for (size_t i = 0; i < drawing.nodes.size(); ++i) {
    if (drawing.nodes[i].standby) continue;
    drawing.nodes[i].is_entry = !has_in[i];
    drawing.nodes[i].is_output = drawing.nodes[i].is_output || !has_out[i];
  }
}

}  // namespace

Drawing draw_manifest(const Manifest& manifest) {
  Drawing out;
  out.name = manifest.name;
  std::unordered_map<std::string_view, uint32_t> index;
  for (const NodeSettings& node : manifest.nodes) {
    index.emplace(node.id, static_cast<uint32_t>(out.nodes.size()));
    DrawnNode& drawn = out.nodes.emplace_back();
    drawn.id = node.id;
    drawn.type = node.node_type;
    drawn.lane = node.lane;
    drawn.parallel = node.parallel;
    drawn.standby = node.standby;
    drawn.is_output = node.is_output_node;
  }
  for (const Connection& connection : manifest.connections) {
    auto from = index.find(connection.from_node), to = index.find(connection.to_node);
    if (from == index.end() || to == index.end()) continue;
    out.edges.push_back({from->second, to->second, connection.from_port, connection.to_port, false});
  }
  mark_ends(out);
  return out;
}

Drawing draw_pipeline(const Pipeline& pipeline) {
  Drawing out;
  out.name = pipeline.name;
  for (const PipelineNode& node : pipeline.nodes) {
    DrawnNode& drawn = out.nodes.emplace_back();
    drawn.id = node.settings.id;
    drawn.type = node.settings.node_type;
    drawn.lane = node.lane;
    drawn.parallel = node.settings.parallel;
    drawn.is_entry = node.is_entry || node.is_source;
    drawn.is_output = node.is_output;
    drawn.standby = node.settings.standby;
    drawn.stage = node.stage == PipelineNode::kNoStage ? DrawnNode::kNoStage : node.stage;
  }
  for (const PipelineEdge& edge : pipeline.edges) {
    if (edge.from == PipelineEdge::kRunInput) continue;
    const PipelineNode &from = pipeline.nodes[edge.from], &to = pipeline.nodes[edge.to];
    DrawnEdge& drawn = out.edges.emplace_back();
    drawn.from = edge.from;
    drawn.to = edge.to;
    if (edge.from_port == PipelineEdge::kErrorPort)
      drawn.from_port = "error";
    else if (from.outputs.size() > 1)
      drawn.from_port = from.outputs[edge.from_port];
    if (to.inputs.size() > 1) drawn.to_port = to.inputs[edge.to_port];
    drawn.queued = edge.queued;
  }
  return out;
}

std::string edge_label(const DrawnEdge& edge) {
  if (edge.to_port.empty()) return edge.from_port;
  return edge.from_port.empty() ? "-> " + edge.to_port : edge.from_port + " -> " + edge.to_port;
}

LaneColor lane_color(const std::string& lane) {
  if (lane.empty() || lane == "default") return {"#f1f3f4", "#5f6368"};
  const auto& [fill, border] = kPalette[fnv1a(lane) % kPalette.size()];
  return {std::string(fill), std::string(border)};
}

}  // namespace heddle
