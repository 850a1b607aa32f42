// Multiply and Add: a plain number in, a plain number out.
#include "number.h"

namespace {

using heddle::node_std::Number;
using heddle::sdk::Config;
using heddle::sdk::Value;
using heddle::sdk::ValueRef;

class Multiply {
 public:
  explicit Multiply(const Config& config) : multiplier_(Number::require(config.find("multiplier"), "\"multiplier\"")) {}
  Value process(ValueRef in) const { return Number::require(in, "Multiply").times(multiplier_).value(); }

 private:
  Number multiplier_;
};

HEDDLE_NODE(Multiply, "Multiply", R"("summary": "Multiplies every number by a constant",
  "params": {
    "type": "object",
    "properties": {
      "multiplier": {"type": "number", "description": "What every item is multiplied by"}
    },
    "required": ["multiplier"],
    "additionalProperties": false
  },
  "concurrency": "parallel",
  "idempotent": true,
  "stateless": true)");

class Add {
 public:
  explicit Add(const Config& config) : addend_(Number::require(config.find("addend"), "\"addend\"")) {}
  Value process(ValueRef in) const { return Number::require(in, "Add").plus(addend_).value(); }

 private:
  Number addend_;
};

HEDDLE_NODE(Add, "Add", R"("summary": "Adds a constant to every number",
  "params": {
    "type": "object",
    "properties": {
      "addend": {"type": "number", "description": "What is added to every item"}
    },
    "required": ["addend"],
    "additionalProperties": false
  },
  "concurrency": "parallel",
  "idempotent": true,
  "stateless": true)");

}  // namespace
