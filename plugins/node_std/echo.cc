// Echo: wraps every item together with a count.
#include <heddle/sdk.h>

namespace {

using heddle::sdk::Call;
using heddle::sdk::Value;

class Echo {
 public:
  void activate() { counter_ = 0; }
  void process(Call& call) {
    Value counter = Value::integer(counter_ + 1);
    call.emit(Value::map({{"input", call.take()}, {"counter", std::move(counter)}, {"node", name_}}));
    ++counter_;
    call.complete();
  }

 private:
  Value name_ = Value::string("Echo");  // made once, shared by every output
  int64_t counter_ = 0;
};

HEDDLE_NODE(Echo, "Echo", R"("summary": "Wraps every item: {\"input\": …, \"counter\": n, \"node\": \"Echo\"}; n counts from 1 in each run",
  "aliases": ["EchoNode"],
  )" HEDDLE_NO_PARAMS);

}  // namespace
