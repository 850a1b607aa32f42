#include "pipeline/run_trace.h"

#include <algorithm>

#include "pipeline/run.h"

namespace heddle {
namespace {

TraceSpan::Attribute count(const char* name, uint64_t n) { return {name, static_cast<int64_t>(n)}; }

}  // namespace

RunTrace::RunTrace(const Pipeline& pipeline, const std::optional<TraceContext>& parent, Tracer* tracer)
    : pipeline_(pipeline), parent_(parent ? parent->span : 0), context_(begin_span(tracer, parent)), traceparent_(context_.traceparent()),
      recorder_(context_.sampled ? tracer : nullptr), begun_ns_(now_ns()), nodes_(recorder_ ? pipeline.nodes.size() : 0) {
  for (Node& node : nodes_) {
    node.context = child_of(context_);
    node.traceparent = node.context.traceparent();
  }
}

void RunTrace::note_calls(uint32_t index, uint64_t from_ns, uint64_t to_ns) {
  Node& node = nodes_[index];
  const auto get = [](const std::atomic<uint64_t>& n) { return n.load(std::memory_order_relaxed); };
  if (const uint64_t first = get(node.first_ns); first == 0 || from_ns < first) node.first_ns.store(from_ns, std::memory_order_relaxed);
  node.last_ns.store(std::max(get(node.last_ns), to_ns), std::memory_order_relaxed);
  node.busy_ns.store(get(node.busy_ns) + to_ns - from_ns, std::memory_order_relaxed);
}

void RunTrace::end_node(uint32_t index, const RunReport& report) {
  Node& node = nodes_[index];
  if (node.first_ns == 0) return;
  const PipelineNode& planned = pipeline_.nodes[index];
  const NodeCounts& counts = report.nodes[index];
  TraceSpan span{.context = node.context, .parent = context_.span, .name = planned.settings.id, .begin_ns = node.first_ns, .end_ns = node.last_ns};
  span.attributes = {{"heddle.node.type", planned.settings.node_type},
                     count("heddle.calls", counts.calls),
                     count("heddle.emitted", counts.emitted),
                     count("heddle.filtered", counts.filtered),
                     count("heddle.failed", counts.failed),
                     count("heddle.retried", counts.retried),
                     count("heddle.busy_ns", node.busy_ns)};
  if (counts.failed > 0) span.error = std::to_string(counts.failed) + " of " + std::to_string(counts.calls) + " calls failed";
  recorder_->add(std::move(span));
}

void RunTrace::end(const RunReport& report) {
  if (!recorder_) return;
  for (uint32_t node = 0; node < nodes_.size(); ++node) end_node(node, report);
  TraceSpan span{.context = context_, .parent = parent_, .name = "run " + pipeline_.name, .begin_ns = begun_ns_, .end_ns = now_ns()};
  span.attributes = {{"heddle.pipeline", pipeline_.name}, count("heddle.input_items", report.input_items + report.source_items),
                     count("heddle.output_items", report.output_items + report.sink_items), count("heddle.dead_letters", report.dead_letters)};
  if (!report.error.code.empty()) {
    span.attributes.emplace_back("error.type", report.error.code);
    span.error = report.error.text();
  }
  recorder_->add(std::move(span));
}

}  // namespace heddle
