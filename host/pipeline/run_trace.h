// RunTrace: the trace of one run: where it stands, what its nodes are told of it, and what is left of it as spans.
//
// There is one span of the run and one of each node that was called, however many items there were: at a million items a second a span of each would cost more than the work, and nobody
// could read them. What leaves the host for an item does have a span of its own: see plugin/peer_spans.h.
#pragma once
#include <atomic>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/pipeline.h"
#include "tracer.h"

namespace heddle {

struct RunReport;

class RunTrace {
 public:
  // `parent`: of which the run is a part; none: it begins a trace. `tracer`: null: nothing is recorded.
  RunTrace(const Pipeline& pipeline, const std::optional<TraceContext>& parent, Tracer* tracer);

  const TraceContext& context() const { return context_; }
  // What the calls of a node are told (heddle.op/1).
  std::string_view of_node(uint32_t node) const { return nodes_.empty() ? traceparent_ : std::string_view(nodes_[node].traceparent); }
  // Who records it; null: nobody.
  Tracer* recorder() const { return recorder_; }

  // [one thread at a time for a node] It was called, or is answered, from then to then. Only where there is a recorder.
  void note_calls(uint32_t node, uint64_t from_ns, uint64_t to_ns);
  // After the end, once.
  void end(const RunReport& report);

 private:
  struct Node {
    TraceContext context = {};
    std::string traceparent = {};
    std::atomic<uint64_t> first_ns{0}, last_ns{0}, busy_ns{0};  // first_ns 0: it was not called. Written by one thread at a time
  };
  void end_node(uint32_t node, const RunReport& report);

  const Pipeline& pipeline_;
  const uint64_t parent_;
  const TraceContext context_;
  const std::string traceparent_;
  Tracer* const recorder_;
  const uint64_t begun_ns_;
  std::vector<Node> nodes_;  // as in the pipeline; empty: nobody records
};

}  // namespace heddle
