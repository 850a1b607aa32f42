#include "my_plugin_worker.h"

HEDDLE_PLUGIN("my_plugin", "0.1.0", "Apache-2.0", "Has programs work, one run for each item", R"("package":"heddle-plugin-my-plugin")");

namespace {

class MyType : public plugin::Sidecar {
 public:
  using plugin::Sidecar::Sidecar;
};

// The members of the descriptor are listed in heddle/sidecar.h. How many at a time, and how much they may write, comes from the host.
HEDDLE_SIDECAR(MyType, "MyType", R"("summary":"Programs of this machine: the item on stdin, the result from stdout",
  "params":{"type":"object","additionalProperties":false,"required":["command"],"properties":{
    "command":{"type":"array","minItems":1,"items":{"type":"string"},"description":"The program and its arguments; no shell reads them"}}})");

}  // namespace
