// Params that only their node type can judge: a jq program, a pattern.
#pragma once
#include "manifest/diagnostic.h"
#include "pipeline/pipeline.h"

namespace heddle {

// [setup] Creates and destroys an object of every node whose type says that its create touches nothing outside; what is refused is
// reported at the param meant. Runs code of these plugins, and of no other.
void try_params(const Pipeline& pipeline, Diagnostics& diagnostics);

// The refusal of a node's params, with the place of the param that the plugin speaks of.
Diagnostic refused_params(const PipelineNode& node, const Error& why);

}  // namespace heddle
