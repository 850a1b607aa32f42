// Assert: lets an item pass if it is as stated; else the item fails and says what was wrong.
#include "equal.h"
#include "number.h"

namespace {

using heddle::node_std::Number;
using heddle::sdk::Call;
using heddle::sdk::Config;
using heddle::sdk::describe;
using heddle::sdk::Error;
using heddle::sdk::Value;
using heddle::sdk::ValueRef;

bool is_of_type(ValueRef v, std::string_view type) {
  if (type == "null") return v.is(HEDDLE_NULL);
  if (type == "boolean") return v.is(HEDDLE_BOOL);
  if (type == "integer") return v.is(HEDDLE_INT);
  if (type == "number") return v.is_number();
  if (type == "string") return v.is(HEDDLE_STRING);
  if (type == "array") return v.is(HEDDLE_LIST);
  return v.is(HEDDLE_MAP);
}

class Assert {
 public:
  explicit Assert(const Config& config)
      : path_(config.get<std::string>("value", "")),
        type_(config.get<std::string>("type", "")),
        message_(config.get<std::string>("message", "")),
        equals_(Value::share(config.find("equals"))),
        min_(bound(config, "min")),
        max_(bound(config, "max")) {}

  void process(Call& call) const {
    check(call.input().pointer(path_));
    call.emit(call.take());
    call.complete();
  }

 private:
  static std::optional<Number> bound(const Config& config, std::string_view key) {
    ValueRef v = config.find(key);
    return v ? std::optional(Number::require(v, key)) : std::nullopt;
  }

  void check(ValueRef v) const {
    if (!v) fail("a value", v);
    if (!type_.empty() && !is_of_type(v, type_)) fail("a value of type " + type_, v);
    if (equals_ && !heddle::node_std::equal(v, equals_)) fail(std::string(equals_.json()), v);
    if (!min_ && !max_) return;
    auto number = Number::of(v);
    if (!number) fail("a number", v);
    if (min_ && number->compare(*min_) < 0) fail("at least " + min_->text(), v);
    if (max_ && number->compare(*max_) > 0) fail("at most " + max_->text(), v);
  }

  [[noreturn]] void fail(const std::string& expected, ValueRef got) const {
    std::string where = path_.empty() ? "" : " at \"" + path_ + '"';
    throw Error(HEDDLE_INVALID, (message_.empty() ? "" : message_ + ": ") + "expected " + expected + where + ", got " + describe(got));
  }

  std::string path_, type_, message_;
  Value equals_;
  std::optional<Number> min_, max_;
};

HEDDLE_NODE(Assert, "Assert", R"("summary": "Fails every item that is not as stated, and lets the others pass",
  "params": {
    "type": "object",
    "description": "Everything that is stated must hold. With none of type, equals, min and max: the value must be there.",
    "properties": {
      "value": {"type": "string", "pattern": "^(/.*)?$", "default": "", "description": "JSON Pointer to what is checked; \"\" is the item itself"},
      "type": {"enum": ["null", "boolean", "integer", "number", "string", "array", "object"], "description": "Its type"},
      "equals": {"description": "What it equals; 1 equals 1.0, and the order of an object's members does not count"},
      "min": {"type": "number", "description": "It is a number, and at least this"},
      "max": {"type": "number", "description": "It is a number, and at most this"},
      "message": {"type": "string", "default": "", "description": "What stands before the reason of a failure"}
    },
    "additionalProperties": false
  },
  "concurrency": "parallel",
  "idempotent": true,
  "stateless": true)");

}  // namespace
