#include "condition.h"
#include "descriptor.h"

namespace node_jq {
namespace {

using namespace heddle::sdk;

class Jq {
 public:
  explicit Jq(const Config& config) : program_("the param \"program\"", config.get<std::string>("program"), vars_json(config)) {}

  void process(Call& call) {
    program_.run(call.input(), [&](std::string_view json) {
      if (call.is_cancelled()) return false;  // a program may give outputs for ever
      call.emit(Value::parse(json));
      return true;
    });
    if (call.is_cancelled())
      call.fail(HEDDLE_CANCELLED, "cancelled");
    else
      call.complete();
  }

 private:
  Program program_;
};

HEDDLE_NODE(
    Jq, "Jq",
    R"("summary":"Runs a jq program on every item and emits each of its outputs.",)"
    R"("params":{"type":"object","properties":{)"
    R"("program":{"type":"string","minLength":1,"description":"A jq program. Numbers go through IEEE doubles on their way."},)" NODE_JQ_VARS
    R"(},"required":["program"],"additionalProperties":false},)" NODE_JQ_SHAPE);

}  // namespace
}  // namespace node_jq
