// What comes in the place of a node whose items fail.
#pragma once
#include "manifest/diagnostic.h"
#include "pipeline/pipeline.h"

namespace heddle {

// Where the params of a node that follows policies itself say {"node": id} in their "fallback", an item that fails there goes to that standby node, whose results go where those of the node go: the
// standby node becomes one of the pipeline, behind the error port of the other. Errors: "bad-fallback".
void connect_fallbacks(Pipeline& pipeline, Diagnostics& diagnostics);

}  // namespace heddle
