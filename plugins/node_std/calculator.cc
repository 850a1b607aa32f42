// Calculator: one operation from its params on every number, or the operation that each item names.
#include "number.h"

namespace {

using heddle::node_std::Number;
using heddle::sdk::Config;
using heddle::sdk::describe;
using heddle::sdk::Error;
using heddle::sdk::Value;
using heddle::sdk::ValueRef;

using Operation = Number (Number::*)(const Number&) const;

Operation operation_named(ValueRef name) {
  auto text = name.is(HEDDLE_STRING) ? *name.as_text() : std::string_view();
  if (text == "add") return &Number::plus;
  if (text == "subtract") return &Number::minus;
  if (text == "multiply") return &Number::times;
  if (text == "divide") return &Number::divided_by;
  throw Error(HEDDLE_INVALID, "Calculator knows the operations add, subtract, multiply and divide, got " + describe(name));
}

class Calculator {
 public:
  explicit Calculator(const Config& config) {
    if (ValueRef name = config.find("operation")) {
      operation_ = operation_named(name);
      operand_ = Number::require(config.find("operand"), "\"operand\"");
    }
  }
  Value process(ValueRef in) const {
    if (!operation_) return calculate(in);
    auto number = Number::of(in);
    return number ? ((*number).*operation_)(operand_).value() : Value::share(in);
  }

 private:
  static Value calculate(ValueRef in) {
    ValueRef name = in.find("operation"), operands = in.find("operands");
    if (!name || !operands.is(HEDDLE_LIST) || operands.size() != 2) {
      throw Error(HEDDLE_INVALID, "Calculator takes {\"operation\": …, \"operands\": [a, b]}, got " + describe(in) +
                                      (in.is(HEDDLE_MAP) ? " without these" : ""));
    }
    Operation operation = operation_named(name);
    Number a = Number::require(operands.at(0), "Calculator"), b = Number::require(operands.at(1), "Calculator");
    return Value::map({{"result", (a.*operation)(b).value()}, {"operation", Value::share(name)}, {"operands", Value::share(operands)}});
  }

  Operation operation_ = nullptr;
  Number operand_;
};

HEDDLE_NODE(Calculator, "Calculator", R"("summary": "Adds, subtracts, multiplies or divides",
  "aliases": ["CalculatorNode"],
  "params": {
    "type": "object",
    "description": "With params, a number becomes a number, and all else passes unchanged. Without, an item {\"operation\", \"operands\": [a, b]} becomes {\"result\", \"operation\", \"operands\"}. Integers stay integers; the quotient of two is rounded toward zero.",
    "properties": {
      "operation": {"enum": ["add", "subtract", "multiply", "divide"], "description": "What is done with every number"},
      "operand": {"type": "number", "description": "The right-hand side"}
    },
    "dependencies": {"operation": ["operand"], "operand": ["operation"]},
    "additionalProperties": false
  },
  "concurrency": "parallel",
  "idempotent": true,
  "stateless": true)");

}  // namespace
