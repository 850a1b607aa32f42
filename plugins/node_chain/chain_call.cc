// ChainCall: what a function of a contract gives, for each item; nothing on the chain changes.
#include <span>
#include <vector>

#include "asking.h"
#include "failure.h"
#include "written.h"

namespace node_chain {
namespace {

using namespace heddle::sdk;

class ChainCall {
 public:
  explicit ChainCall(const Config& config)
      : link_(config),
        asking_(link_, config.get<bool>("with_item", false) ? "result" : ""),
        function_(config.get<std::string>("function")),
        to_("to", config.find("to")),
        args_("args", config.find("args")),
        block_("block", config.find("block")) {}

  void activate() { link_.open(); }
  void deactivate() { link_.close(); }

  void process(std::span<Call> calls) {
    for (Call& call : calls) {
      Value asked;
      detail::guard([&] { asked = question(call.input()); },
                    [&](heddle_status status, std::string_view why) { call.fail(status, why, details_of_bad_item()); });
      if (asked) asking_.read(std::move(call), asked);
    }
  }
  void cancel(CallId id) { asking_.cancel(id); }

 private:
  Value question(ValueRef item) const {
    std::vector<Value::Entry> q = {{"ask", Value::string("call")}, {"to", to_.of(item)}, {"function", Value::string(function_)}};
    q.push_back({"args", args_ ? args_.of(item) : Value::list(std::vector<Value>())});
    if (block_) q.push_back({"block", block_.of(item)});
    return Value::map(std::span(q));
  }

  Link link_;
  Asking asking_;
  const std::string function_;
  const Written to_, args_, block_;
};

HEDDLE_NODE(ChainCall, "ChainCall",
            R"("summary":"Asks a function of a contract for each item; nothing on the chain changes.",)"
            R"("params":{"type":"object","properties":{)" NODE_CHAIN_PARAMS
            R"("to":{"type":["string","object"],"description":"The contract's address, or {\"$\": POINTER} into the item."},)"
            R"("function":{"type":"string","minLength":1,"description":"Its name, where the chain knows it, or all of it: function balanceOf(address owner) view returns (uint256)."},)"
            R"("args":{"type":"array","description":"What it is given. {\"$\": POINTER}, anywhere in it, is what the item has there."},)"
            R"("block":{"type":["integer","object"],"description":"As it was in this block; absent: in the newest."},)"
            R"("with_item":{"type":"boolean","default":false,"description":"What comes out is {\"item\", \"result\"}."})"
            R"(},"required":["to","function"],"additionalProperties":false},)"
            R"("concurrency":"parallel","lane":"io","max_in_flight":1024,"idempotent":true,"create_is_pure":true)");

}  // namespace
}  // namespace node_chain
