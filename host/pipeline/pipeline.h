// Pipeline: the checked, immutable DAG of nodes, ready to run. Made by build_pipeline, shown by plan and graph, executed by Run.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lanes/lane.h"
#include "manifest/manifest.h"
#include "plugin/catalog.h"
#include "result.h"
#include "value/value.h"

namespace heddle {

class EndpointPool;

struct PipelineNode {
  NodeSettings settings;            // as in the manifest
  CatalogEntry entry;               // plugin and type; both live in the catalog
  Result<Value> params = Value();   // settings.params as every object of the node gets them
  std::vector<std::string> inputs;  // port names by index
  std::vector<std::string> outputs; // port names by index, those named by params included; "error" is not among them
  std::string lane;                 // resolved: the node's, or "default"
  uint64_t timeout_ms = 0;          // of the node, for an item with all its attempts; 0: none
  uint64_t attempt_timeout_ms = 0;  // resolved: policy, else the type where the node says nothing; 0: none
  bool has_timeout() const { return timeout_ms > 0 || attempt_timeout_ms > 0; }
  uint32_t max_batch = 64;
  RetrySettings retry;              // resolved; max_attempts 1: no retry
  std::optional<BreakerSettings> circuit_breaker;
  // Where there is a retry or a breaker: what is known of the node, over all runs of this pipeline. It is the one endpoint of this pool.
  std::shared_ptr<EndpointPool> pool;
  bool idempotent = false;
  std::string placement;            // "local"
  std::string placement_reason;     // why there, in the user's words
  uint32_t stage = 0;               // index into Pipeline::stages; kNoStage for a standby node
  bool is_entry = false;            // gets the run's input items
  bool is_output = false;           // its unconnected outputs leave the run
  bool is_source = false;           // has no input port
  static constexpr uint32_t kNoStage = UINT32_MAX;
  // What leaves by this output port is a failure, never a result.
  bool carries_failures(uint32_t port) const { return entry.type && port < entry.type->outputs.size() && entry.type->outputs[port].failures; }
};

struct PipelineEdge {
  static constexpr uint32_t kErrorPort = UINT32_MAX;
  static constexpr uint32_t kRunInput = UINT32_MAX;  // as `from`: an entry edge, from the run's input
  uint32_t from = 0, from_port = 0;                  // node index, output port index or kErrorPort
  uint32_t to = 0, to_port = 0;
  bool gives_original = false;  // from an error port: the item that failed, not the failure
  bool queued = false;       // a queue stands here; else the item is handed on inline
  std::string reason;        // why there is a queue: "other lane", "parallel", "batch", …
  uint64_t queue_items = 4096, queue_bytes = uint64_t{16} << 20;
  OnFull on_full = OnFull::kBlock;
  BatchSettings batch;
};

// Where items leave the pipeline: the run's output, one for all ports of a node, or a port that leads nowhere.
struct PipelineExit {
  static constexpr uint32_t kToOutput = UINT32_MAX;
  uint32_t node = 0;
  uint32_t port = kToOutput;  // else the output port that nobody listens to
};

// Nodes that run inline on one thread, in topological order.
struct PipelineStage {
  std::vector<uint32_t> nodes;
  std::string lane;
  uint32_t parallel = 1;
  OrderMode order = OrderMode::kStrict;
  std::string order_key;
  bool watched = false;      // items go one by one: under a timeout, a retry, a circuit breaker
  bool asynchronous = false; // a node that may answer later
};

struct Pipeline {
  std::string name;
  std::vector<PipelineNode> nodes;
  std::vector<PipelineEdge> edges;    // those of the manifest, in its order, then the entry edges
  std::vector<PipelineExit> exits;
  std::vector<PipelineStage> stages;  // in topological order
  std::vector<uint32_t> order;        // all nodes but standby ones, topologically
  std::vector<LaneConfig> lanes;      // those that the manifest adds, or sets otherwise
  RunSettings run;
  std::optional<ChainWork> worker;    // it works for a chain
  Result<Value> chain_params = Value();  // worker->chain_params as the chain gets them

  const PipelineNode* find(std::string_view id) const;
};

}  // namespace heddle
