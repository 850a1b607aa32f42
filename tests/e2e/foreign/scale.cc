// A stranger's plugin in C++20 with the SDK: Scale{by} multiplies the "count" of a map and gives the number.
#include <heddle/sdk.h>

using namespace heddle::sdk;

HEDDLE_PLUGIN("node_scale", "1.0.0", "MIT", "Scales counts");

class Scale {
 public:
  explicit Scale(const Config& config) : by_(config.get<int64_t>("by", 10)) {}

  Value process(ValueRef in) {
    ValueRef count = in.find("count");
    if (!count || !count.as_int()) throw Error(HEDDLE_INVALID, "Scale wants a map with an integer \"count\"");
    return Value::integer(*count.as_int() * by_);
  }

 private:
  int64_t by_;
};

HEDDLE_NODE(Scale, "Scale",
            R"("params":{"type":"object","properties":{"by":{"type":"integer","default":10}},"additionalProperties":false})");
