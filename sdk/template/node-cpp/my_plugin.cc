#include <heddle/sdk.h>

namespace sdk = heddle::sdk;

HEDDLE_PLUGIN("my_plugin", "0.1.0", "Apache-2.0", "Multiplies numbers", R"("package":"heddle-plugin-my-plugin")");

namespace {

// Keeps nothing of an item, so it says "parallel" and "stateless": any number of calls may be in process() at once.
class MyType {
 public:
  explicit MyType(const sdk::Config& config) : by_(config.get<double>("by", 2.0)) {}  // defaults of the schema are given here, too

  // One in, one out. heddle/sdk/thunk.h lists the other shapes: filters, several ports, batches, answers that come later.
  sdk::Value process(sdk::ValueRef in) {
    if (auto number = in.as_float()) return sdk::Value::number(*number * by_);
    throw sdk::Error(HEDDLE_INVALID, "MyType takes a number");  // fails this item, and no other
  }

 private:
  double by_;
};

// The members of the descriptor are listed in heddle/node.h. The host checks params against the schema before it creates a node.
HEDDLE_NODE(MyType, "MyType", R"("summary":"Multiplies numbers",
  "params":{"type":"object","additionalProperties":false,
    "properties":{"by":{"type":"number","default":2,"description":"What each number is multiplied by"}}},
  "concurrency":"parallel","stateless":true,"idempotent":true,"create_is_pure":true)");

}  // namespace
