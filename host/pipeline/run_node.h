// RunNode: a node in a run, with its routes: where the items of each of its ports go.
#pragma once
#include <memory>
#include <vector>

#include "pipeline/edge_queue.h"
#include "pipeline/run_core.h"
#include "plugin/node_handle.h"

namespace heddle {

struct PortRoute {
  uint32_t edge = 0;
  uint32_t to_port = 0;
  bool gives_original = false;   // of an error port
  uint32_t target = 0;           // inline: position of the next node in the stage
  EdgeQueue* queue = nullptr;    // else: the queue,
  size_t backlog = 0;            // and its place among those that the stage feeds
};

struct RunNode {
  const PipelineNode* node = nullptr;
  uint32_t index = 0;  // in the pipeline
  std::shared_ptr<NodeHandle> handle;
  std::vector<std::vector<PortRoute>> routes;  // per output port
  std::vector<PortRoute> error_routes;
  std::vector<uint32_t> exits;             // per output port: the index of its exit, where it has one
  std::vector<uint32_t> in_edges;
};

}  // namespace heddle
