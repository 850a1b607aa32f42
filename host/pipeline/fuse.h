// The second half of building: the order of nodes, and which of them run inline on one thread.
#pragma once
#include "pipeline/pipeline.h"

namespace heddle {

// Nodes in topological order, as the manifest has them where the graph leaves a choice. The graph has no cycle; standby nodes are left out.
void order_nodes(Pipeline& pipeline);

// A node joins the stage of its predecessors when all of them are in one stage, on its lane, and nothing asks for a queue; else it heads a stage of its own. Fills
// stages, and `queued` with its reason on every edge.
void fuse(Pipeline& pipeline);

}  // namespace heddle
