#include "pipeline/fuse.h"

#include <queue>

namespace heddle {
namespace {

// Why a node cannot share a thread with its neighbours; empty: it can.
std::string why_alone(const PipelineNode& node, const RunSettings& run) {
  const TypeDescriptor& type = *node.entry.type;
  if (node.settings.parallel > 1 || node.settings.order == OrderMode::kByKey) return "parallel";
  if (type.max_in_flight > 0) return "asynchronous";
  if (node.has_timeout()) return "timeout";
  if (node.pool) return node.retry.max_attempts > 1 ? "retry" : "circuit breaker";
  if (run.item_deadline_ms > 0) return "item deadline";
  if (type.lane == LaneClass::kBlocking || type.lane == LaneClass::kDevice) return "blocking";
  return {};
}

// What an edge itself asks for; empty: nothing.
std::string why_queued(const PipelineEdge& edge, const PipelineNode& to) {
  if (edge.from == PipelineEdge::kRunInput) return "run input";
  if (edge.batch.items > 0) return "batch";
  if (edge.queued) return "queue in the manifest";
  if (to.settings.merge.mode != MergeMode::kArrival) return "merge";
  return {};
}

}  // namespace

void order_nodes(Pipeline& pipeline) {
  const size_t n = pipeline.nodes.size();
  std::vector<uint32_t> waits(n, 0);
  std::vector<std::vector<uint32_t>> next(n);
  for (const PipelineEdge& edge : pipeline.edges) {
    if (edge.from == PipelineEdge::kRunInput) continue;
    ++waits[edge.to];
    next[edge.from].push_back(edge.to);
  }
  std::priority_queue<uint32_t, std::vector<uint32_t>, std::greater<>> ready;
  for (uint32_t i = 0; i < n; ++i) {
    if (waits[i] == 0 && !pipeline.nodes[i].settings.standby) ready.push(i);
  }
  while (!ready.empty()) {
    const uint32_t i = ready.top();
    ready.pop();
    pipeline.order.push_back(i);
    for (uint32_t to : next[i]) {
      if (--waits[to] == 0) ready.push(to);
    }
  }
}

void fuse(Pipeline& pipeline) {
  constexpr uint32_t kNone = PipelineNode::kNoStage;
  std::vector<std::vector<uint32_t>> incoming(pipeline.nodes.size());
  for (uint32_t e = 0; e < pipeline.edges.size(); ++e) incoming[pipeline.edges[e].to].push_back(e);
  std::vector<char> closed;  // per stage: nobody joins

  for (const uint32_t index : pipeline.order) {
    PipelineNode& node = pipeline.nodes[index];
    const std::string alone = why_alone(node, pipeline.run);
    uint32_t join = kNone;
    std::string reason = node.is_source ? "source" : alone;
    for (const uint32_t e : incoming[index]) {
      const PipelineEdge& edge = pipeline.edges[e];
      std::string asked = why_queued(edge, node);
      if (!asked.empty()) {
        if (reason.empty()) reason = asked;
        continue;
      }
      const PipelineNode& from = pipeline.nodes[edge.from];
      if (closed[from.stage]) {
        if (reason.empty()) reason = why_alone(from, pipeline.run);
      } else if (pipeline.stages[from.stage].lane != node.lane) {
        if (reason.empty()) reason = "other lane";
      } else if (join != kNone && join != from.stage) {
        if (reason.empty()) reason = "several stages meet";
      } else {
        join = from.stage;
      }
    }
    if (reason.empty() && join != kNone) {
      node.stage = join;
      pipeline.stages[join].nodes.push_back(index);
      continue;
    }
    for (const uint32_t e : incoming[index]) {
      PipelineEdge& edge = pipeline.edges[e];
      const std::string asked = why_queued(edge, node);
      edge.reason = asked.empty() ? reason : asked;
      edge.queued = true;
    }
    node.stage = static_cast<uint32_t>(pipeline.stages.size());
    const bool asynchronous = node.entry.type->max_in_flight > 0;
    pipeline.stages.push_back({.nodes = {index},
                               .lane = node.lane,
                               .parallel = node.settings.parallel,
                               .order = node.settings.order,
                               .order_key = node.settings.order_key,
                               .watched = node.has_timeout() || node.pool || pipeline.run.item_deadline_ms > 0,
                               .asynchronous = asynchronous});
    closed.push_back(!alone.empty());
  }
}

}  // namespace heddle
