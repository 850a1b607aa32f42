#include <heddle/sdk/store.h>

#include "my_plugin_medium.h"

HEDDLE_PLUGIN("my_plugin", "0.1.0", "Apache-2.0", "Keeps keys in one file", R"("package":"heddle-plugin-my-plugin")");

namespace {

class MyType : public plugin::Medium {
 public:
  explicit MyType(const heddle::sdk::Config& config) : plugin::Medium(config.get<std::string>("path")) {}
};

// The members of the descriptor are listed in heddle/store.h. The SDK makes the rest of a store of a medium: its thread, group commit, versions, pages and queues.
HEDDLE_STORE(MyType, "MyType", R"("summary":"Ordered keys in one file, written anew at every commit",
  "params":{"type":"object","additionalProperties":false,"required":["path"],
    "properties":{"path":{"type":"string","minLength":1,"description":"The file"}}})");

}  // namespace
