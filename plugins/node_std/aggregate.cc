// Aggregate: many items in, one result per group out, at the end of the input or of each window.
#include "equal.h"
#include "groups.h"

namespace {

using heddle::node_std::Group;
using heddle::node_std::Groups;
using heddle::node_std::Number;
using heddle::node_std::Reduction;
using heddle::sdk::Call;
using heddle::sdk::Config;
using heddle::sdk::describe;
using heddle::sdk::Error;
using heddle::sdk::Host;
using heddle::sdk::Value;
using heddle::sdk::ValueRef;

Reduction reduction_named(std::string_view name) {
  if (name == "count") return Reduction::kCount;
  if (name == "sum") return Reduction::kSum;
  if (name == "min") return Reduction::kMin;
  if (name == "max") return Reduction::kMax;
  if (name == "mean") return Reduction::kMean;
  throw Error(HEDDLE_INVALID, "\"op\" is one of count, sum, min, max, mean, got \"" + std::string(name) + '"');
}

class Aggregate {
 public:
  explicit Aggregate(const Config& config)
      : host_(config.host()),
        params_(Value::share(config.params())),
        reduction_(reduction_named(config.get<std::string>("op"))),
        value_(config.get<std::string>("value", "")) {
    ValueRef key = config.find("key"), window = config.find("window");
    if (key.is(HEDDLE_STRING)) keys_.emplace_back(*key.as_text());
    for (size_t i = 0; key.is(HEDDLE_LIST) && i < key.size(); ++i) keys_.emplace_back(key.at(i).as_text().value_or(""));
    composite_ = key.is(HEDDLE_LIST);
    window_items_ = window.find("items").as_int().value_or(0);
    window_ms_ = window.find("ms").as_int().value_or(0);
    if (window && (window_items_ >= 1) == (window_ms_ >= 1))
      throw Error(HEDDLE_INVALID, "\"window\" is {\"items\": n} or {\"ms\": t}, from 1");
  }

  void process(Call& call) {
    if (window_ms_) close_window_if_over(call);
    take_in(call.input());
    ++items_;
    if (items_ == window_items_) close_window(call);
    call.complete();
  }

  void finish(Call& call) {
    if (!windowed() && keys_.empty()) groups_.of({});  // a whole without items has a result too
    emit_all(call);
    if (windowed()) reset();
    call.complete();
  }

  void deactivate() { reset(); }

  // Totals may go on in the next run; a window ends with its run.
  Value save() const {
    if (windowed()) return {};
    std::vector<Value> groups;
    for (const Group& g : groups_.all()) {
      groups.push_back(
          Value::map({{"key", g.key ? g.key : Value::null()}, {"count", Value::integer(g.count)}, {"number", g.number.value()}}));
    }
    return Value::map({{"params", params_}, {"groups", Value::list(std::move(groups))}});
  }
  void restore(ValueRef saved) {
    if (!heddle::node_std::equal(saved.find("params"), params_)) {
      throw Error(HEDDLE_INVALID,
                  "the state kept from the last run was made with other params: " + std::string(saved.find("params").json()));
    }
    ValueRef groups = saved.find("groups");
    for (size_t i = 0; i < groups.size(); ++i) {
      ValueRef group = groups.at(i);
      auto count = group.find("count").as_int();
      if (!count || !group.find("key")) throw Error(HEDDLE_INVALID, "the state kept from the last run is damaged");
      Group& g = groups_.of(keys_.empty() ? ValueRef() : group.find("key"));
      g.number = Number::require(group.find("number"), "Aggregate's state");
      g.count = *count;
    }
  }

 private:
  bool windowed() const { return window_items_ || window_ms_; }

  void take_in(ValueRef item) {
    Number number;
    if (reduction_ != Reduction::kCount) {
      ValueRef v = item.pointer(value_);
      if (!v) throw Error(HEDDLE_INVALID, "Aggregate found nothing at \"" + value_ + "\" in " + describe(item));
      number = Number::require(v, "Aggregate");
    }
    if (composite_) {
      std::vector<Value> parts;
      for (const std::string& key : keys_) parts.push_back(Value::share(key_part(item, key)));
      groups_.of(Value::list(std::move(parts))).add(reduction_, number);
    } else {
      groups_.of(keys_.empty() ? ValueRef() : key_part(item, keys_[0])).add(reduction_, number);
    }
  }
  static ValueRef key_part(ValueRef item, const std::string& key) {
    if (ValueRef part = item.pointer(key)) return part;
    throw Error(HEDDLE_INVALID, "Aggregate found no key at \"" + key + "\" in " + describe(item));
  }

  void close_window_if_over(Call& call) {
    uint64_t now = host_.now_ns();
    if (items_ > 0 && now - opened_ns_ >= static_cast<uint64_t>(window_ms_) * 1'000'000) close_window(call);
    if (items_ == 0) opened_ns_ = now;
  }
  void close_window(Call& call) {
    emit_all(call);
    reset();
  }
  void emit_all(Call& call) const {
    for (const Group& group : groups_.all()) call.emit(group.result(reduction_));
  }
  void reset() {
    groups_.clear();
    items_ = 0;
  }

  Host host_;
  Value params_;
  Reduction reduction_;
  std::string value_;
  std::vector<std::string> keys_;             // JSON Pointers; none: everything is one group
  bool composite_ = false;                    // the key is a list, even of one
  int64_t window_items_ = 0, window_ms_ = 0;  // 0: not such a window
  Groups groups_;
  int64_t items_ = 0;  // in the window
  uint64_t opened_ns_ = 0;
};

HEDDLE_NODE(Aggregate, "Aggregate", R"("summary": "Counts, sums, or finds the least, the greatest or the mean, of everything or by key",
  "params": {
    "type": "object",
    "description": "Each result is {\"value\", \"count\"}, with \"key\" before them where there is one. Integers are summed exactly.",
    "properties": {
      "op": {"enum": ["count", "sum", "min", "max", "mean"], "description": "What becomes of the items"},
      "value": {"type": "string", "pattern": "^(/.*)?$", "default": "", "description": "JSON Pointer to the number in the item (not looked at by count); \"\" is the item itself"},
      "key": {
        "description": "JSON Pointer to what groups the items, or a list of such: then the key of a result is the list of what they lead to",
        "oneOf": [
          {"type": "string", "pattern": "^(/.*)?$"},
          {"type": "array", "minItems": 1, "items": {"type": "string", "pattern": "^(/.*)?$"}}
        ]
      },
      "window": {
        "type": "object",
        "description": "Give results per window, not at the end of the input: after so many items, or, with the first item that comes so many milliseconds after the window's first",
        "properties": {
          "items": {"type": "integer", "minimum": 1},
          "ms": {"type": "integer", "minimum": 1, "maximum": 86400000}
        },
        "oneOf": [{"required": ["items"]}, {"required": ["ms"]}],
        "additionalProperties": false
      }
    },
    "required": ["op"],
    "additionalProperties": false
  })");

}  // namespace
