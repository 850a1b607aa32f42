#include "my_plugin_transport.h"

HEDDLE_PLUGIN("my_plugin", "0.1.0", "Apache-2.0", "Requests and answers as frames over TCP", R"("package":"heddle-plugin-my-plugin")");

namespace {

class MyType : public plugin::Transport {
 public:
  using plugin::Transport::Transport;
};

// The members of the descriptor are listed in heddle/transport.h. Endpoints, operations and limits come from the host.
HEDDLE_TRANSPORT(MyType, "MyType", R"("summary":"Requests and answers as frames over TCP, one connection for each",
  "params":{"type":"object","additionalProperties":false,"properties":{
    "connections":{"type":"integer","minimum":1,"maximum":65536,"default":256,"description":"To a listener at a time; more wait to be accepted"},
    "calls":{"type":"integer","minimum":1,"maximum":65536,"default":256,"description":"To a peer at a time; more are refused"}}})");

}  // namespace
