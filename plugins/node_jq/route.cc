#include <algorithm>
#include <vector>

#include "condition.h"
#include "descriptor.h"

namespace node_jq {
namespace {

using namespace heddle::sdk;

class Route {
 public:
  explicit Route(const Config& config) {
    const ValueRef cases = config.find("cases");
    for (size_t i = 0; i < cases.size(); ++i) {
      const ValueRef port = cases.at(i).find("port"), when = cases.at(i).find("when");
      if (!port.is(HEDDLE_STRING) || !when.is(HEDDLE_STRING))
        throw Error(HEDDLE_INVALID, "every case needs \"port\" and \"when\", both texts");
      const std::string what = "\"when\" of case " + std::to_string(i + 1) + " (port \"" + std::string(*port.as_text()) + "\")";
      cases_.push_back({port_index(*port.as_text()), Condition(config, what, std::string(*when.as_text()))});
    }
    if (const ValueRef port = config.find("default")) default_ = port_index(port.as_text().value_or(""));
  }

  void process(Call& call) {
    if (const auto port = choose(call.input())) call.emit(*port, call.take());
    call.complete();
  }

 private:
  struct Case {
    uint32_t port;
    Condition when;
  };

  std::optional<uint32_t> choose(ValueRef input) {
    for (Case& c : cases_)
      if (c.when.holds_for(input)) return c.port;
    return default_;
  }

  // The ports are those of "output_ports_from" in the order of their first appearance.
  uint32_t port_index(std::string_view name) {
    const auto known = std::ranges::find(ports_, name);
    if (known != ports_.end()) return static_cast<uint32_t>(known - ports_.begin());
    ports_.emplace_back(name);
    return static_cast<uint32_t>(ports_.size() - 1);
  }

  std::vector<std::string> ports_;
  std::vector<Case> cases_;
  std::optional<uint32_t> default_;
};

HEDDLE_NODE(
    Route, "Route",
    R"("summary":"Sends an item, unchanged, out of the port of the first case whose jq program says so.",)"
    R"("params":{"type":"object","properties":{)"
    R"("cases":{"type":"array","minItems":1,"description":"Asked in this order.","items":{"type":"object","properties":{)"
    R"("port":{"type":"string","minLength":1,"description":"The output port; several cases may name the same."},)"
    R"("when":{"type":"string","minLength":1,"description":"A jq program. The case holds if an output of it is neither false nor null."})"
    R"(},"required":["port","when"],"additionalProperties":false}},)"
    R"("default":{"type":"string","minLength":1,"description":"The port for items for which no case holds. Without it they are filtered."},)" NODE_JQ_VARS
    R"(},"required":["cases"],"additionalProperties":false},"outputs":[],"output_ports_from":["/cases/-/port","/default"],)" NODE_JQ_SHAPE);

}  // namespace
}  // namespace node_jq
