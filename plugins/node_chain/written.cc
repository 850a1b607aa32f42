#include "written.h"

#include <span>
#include <string>
#include <vector>

namespace node_chain {
namespace {

using namespace heddle::sdk;

// {"$": POINTER}: the pointer; empty: it is something else.
ValueRef pointer_of(ValueRef written) {
  const ValueRef pointer = written.is(HEDDLE_MAP) && written.size() == 1 ? written.find("$") : ValueRef();
  return pointer.is(HEDDLE_STRING) ? pointer : ValueRef();
}

bool find_pointers(std::string_view param, ValueRef written) {
  if (const ValueRef pointer = pointer_of(written)) {
    const std::string_view text = *pointer.as_text();
    if (!text.empty() && text[0] != '/') throw Error(HEDDLE_INVALID, "\"" + std::string(param) + "\": " + describe(pointer) + " is no JSON Pointer: it begins with /, or is empty");
    return true;
  }
  bool has = false;
  for (size_t i = 0; i < (written.is(HEDDLE_MAP) || written.is(HEDDLE_LIST) ? written.size() : 0); ++i) has |= find_pointers(param, written.at(i));
  return has;
}

}  // namespace

Written::Written(std::string_view param, ValueRef value) : param_(param), value_(Value::share(value)), has_pointers_(find_pointers(param, value)) {}

Value Written::of(ValueRef item) const { return has_pointers_ ? filled(value_, item) : value_; }

Value Written::filled(ValueRef written, ValueRef item) const {
  if (const ValueRef pointer = pointer_of(written)) {
    const ValueRef found = item.pointer(*pointer.as_text());
    if (!found) throw Error(HEDDLE_INVALID, "the item has nothing at \"" + std::string(*pointer.as_text()) + "\", which is for \"" + std::string(param_) + "\"");
    return Value::share(found);
  }
  if (written.is(HEDDLE_LIST)) {
    std::vector<Value> all;
    for (size_t i = 0; i < written.size(); ++i) all.push_back(filled(written.at(i), item));
    return Value::list(std::move(all));
  }
  if (!written.is(HEDDLE_MAP)) return Value::share(written);
  std::vector<Value::Entry> all;
  for (size_t i = 0; i < written.size(); ++i) {
    std::string_view name;
    const ValueRef member = written.at(i, &name);
    all.push_back({name, filled(member, item)});
  }
  return Value::map(std::span(all));
}

}  // namespace node_chain
