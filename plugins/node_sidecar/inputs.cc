#include "inputs.h"

namespace node_sidecar {
namespace {

using namespace heddle::sdk;

Value input(std::string_view name, ValueRef value) {
  const ValueRef ref = value.is(HEDDLE_MAP) && value.size() == 1 ? value.find("$ref") : ValueRef();
  if (ref.is(HEDDLE_STRING)) return Value::map({{"name", Value::string(name)}, {"ref", Value::share(ref)}});
  return Value::map({{"name", Value::string(name)}, {value.is(HEDDLE_BYTES) ? "bytes" : "value", Value::share(value)}});
}

}  // namespace

Inputs::Inputs(ValueRef named) {
  for (size_t i = 0; i < named.size(); ++i) {
    std::string_view name;
    const ValueRef pointer = named.at(i, &name);
    named_.emplace_back(name, pointer.as_text().value_or(""));
  }
}

Value Inputs::of(ValueRef item) const {
  std::vector<Value> inputs;
  for (const auto& [name, pointer] : named_) {
    const ValueRef found = item.pointer(pointer);
    if (!found) throw Error(HEDDLE_INVALID, "the item has nothing at \"" + pointer + "\", which is the input \"" + name + "\"");
    inputs.push_back(input(name, found));
  }
  if (!named_.empty()) return Value::list(std::move(inputs));
  if (!item.is(HEDDLE_MAP)) return Value::list({input("item", item)});
  for (size_t i = 0; i < item.size(); ++i) {
    std::string_view name;
    const ValueRef member = item.at(i, &name);
    inputs.push_back(input(name, member));
  }
  return Value::list(std::move(inputs));
}

}  // namespace node_sidecar
