#include "pipeline/build.h"

#include "lanes/lanes.h"
#include "pipeline/fallback.h"
#include "pipeline/fuse.h"
#include "pipeline/lane_config.h"
#include "pipeline/resolve.h"
#include "pipeline/resolve_worker.h"

namespace heddle {
namespace {

// What is read ahead of the first nodes: enough that two threads wake each other rarely, a wake costing some 40 us.
constexpr uint64_t kRunInputItems = 8192;

// Which nodes take the run's input, and whose outputs leave it.
void mark_ends(Pipeline& pipeline) {
  std::vector<char> has_input(pipeline.nodes.size(), 0), has_output(pipeline.nodes.size(), 0);
  for (const PipelineEdge& edge : pipeline.edges) {
    has_input[edge.to] = 1;
    if (edge.from_port != PipelineEdge::kErrorPort && !pipeline.nodes[edge.from].carries_failures(edge.from_port)) has_output[edge.from] = 1;
  }
  for (uint32_t i = 0; i < pipeline.nodes.size(); ++i) {
    PipelineNode& node = pipeline.nodes[i];
    node.is_source = node.inputs.empty();
    node.is_entry = !node.is_source && !has_input[i] && !node.settings.standby;
    node.is_output = !node.outputs.empty() && (!has_output[i] || node.settings.is_output_node);
    if (!node.is_entry) continue;
    PipelineEdge edge;
    edge.from = PipelineEdge::kRunInput;
    edge.to = i;
    edge.queued = true;
    edge.queue_items = kRunInputItems;
    pipeline.edges.push_back(edge);
  }
}

// Where items leave the pipeline; a port that leads nowhere is a warning.
void mark_exits(Pipeline& pipeline, Diagnostics& diagnostics) {
  std::vector<std::vector<char>> connected;
  for (const PipelineNode& node : pipeline.nodes) connected.emplace_back(node.outputs.size(), 0);
  for (const PipelineEdge& edge : pipeline.edges) {
    if (edge.from != PipelineEdge::kRunInput && edge.from_port != PipelineEdge::kErrorPort) connected[edge.from][edge.from_port] = 1;
  }
  for (uint32_t i = 0; i < pipeline.nodes.size(); ++i) {
    const PipelineNode& node = pipeline.nodes[i];
    if (node.settings.standby) continue;
    if (node.is_output) pipeline.exits.push_back({.node = i});
    for (uint32_t port = 0; port < node.outputs.size() && !node.is_output; ++port) {
      if (connected[i][port] || node.carries_failures(port)) continue;
      pipeline.exits.push_back({.node = i, .port = port});
      diagnostics.add({.severity = Severity::kWarning,
                       .code = "port-leads-nowhere",
                       .pointer = node.settings.pointer,
                       .span = node.settings.id_span,
                       .message = "node \"" + node.settings.id + "\": nothing is connected to its output port \"" + node.outputs[port] +
                                  "\": what leaves by it is only counted",
                       .hint = "connect \"" + node.settings.id + "." + node.outputs[port] +
                               "\", or say \"is_output_node\": true to have it among the results"});
    }
  }
}

// Against what the lane is by default, too: a lane of the host may have a limit that the manifest does not name.
void add_lanes(const Manifest& manifest, Pipeline& pipeline, Diagnostics& diagnostics) {
  for (const LaneSettings& said : manifest.lanes) {
    LaneConfig lane = default_lane(said.name);
    apply(said, lane);
    if (auto sound = check(lane); !sound) {
      diagnostics.add({.code = "bad-lane", .pointer = said.pointer, .span = said.span, .message = sound.error().message, .hint = {}});
    }
    pipeline.lanes.push_back(std::move(lane));
  }
}

}  // namespace

const PipelineNode* Pipeline::find(std::string_view id) const {
  for (const PipelineNode& node : nodes) {
    if (node.settings.id == id) return &node;
  }
  return nullptr;
}

std::optional<Pipeline> build_pipeline(const Manifest& manifest, const Catalog& catalog, Diagnostics& diagnostics, HostOffers* others) {
  check_graph(manifest, diagnostics);
  check_requirements(manifest, catalog, diagnostics);
  Pipeline pipeline;
  pipeline.name = manifest.name;
  add_lanes(manifest, pipeline, diagnostics);
  pipeline.run = manifest.run;
  resolve_nodes(manifest, catalog, others, pipeline, diagnostics);
  resolve_edges(manifest, pipeline, diagnostics);
  connect_fallbacks(pipeline, diagnostics);
  resolve_worker(manifest, catalog, pipeline, diagnostics);
  if (diagnostics.has_errors()) return std::nullopt;
  for (PipelineNode& node : pipeline.nodes) node.params = Value::parse(node.settings.params.json());
  if (pipeline.worker) pipeline.chain_params = Value::parse(pipeline.worker->chain_params.json());
  mark_ends(pipeline);
  mark_exits(pipeline, diagnostics);
  order_nodes(pipeline);
  fuse(pipeline);
  return pipeline;
}

}  // namespace heddle
