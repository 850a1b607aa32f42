#include "condition.h"
#include "descriptor.h"

namespace node_jq {
namespace {

using namespace heddle::sdk;

class Filter {
 public:
  explicit Filter(const Config& config) : when_(config, "the param \"when\"", config.get<std::string>("when")) {}

  void process(Call& call) {
    if (when_.holds_for(call.input())) call.emit(call.take());
    call.complete();
  }

 private:
  Condition when_;
};

HEDDLE_NODE(
    Filter, "Filter",
    R"("summary":"Lets an item pass, unchanged, if a jq program says so.",)"
    R"("params":{"type":"object","properties":{)"
    R"("when":{"type":"string","minLength":1,"description":"A jq program. The item passes if an output of it is neither false nor null."},)" NODE_JQ_VARS
    R"(},"required":["when"],"additionalProperties":false},)" NODE_JQ_SHAPE);

}  // namespace
}  // namespace node_jq
