// Pieces of descriptors that the three types share.
#pragma once

#define NODE_JQ_VARS                                                                                                                \
  R"("vars":{"type":"object","propertyNames":{"pattern":"^[A-Za-z_][A-Za-z0-9_]*$"},"default":{},"description":"What the program )" \
  R"(sees as $name."})"

// A program cannot be interrupted: the host gives up a call that takes longer, and makes the node anew.
#define NODE_JQ_SHAPE \
  R"("manifest_params":"vars","concurrency":"serial","lane":"cpu","timeout_ms":1000,"idempotent":true,"create_is_pure":true,"stateless":true)"
