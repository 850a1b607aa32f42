#include "equal.h"

#include <algorithm>

#include "number.h"

namespace heddle::node_std {
namespace {

using sdk::ValueRef;

bool equal_lists(ValueRef a, ValueRef b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (!equal(a.at(i), b.at(i))) return false;
  }
  return true;
}

bool equal_maps(ValueRef a, ValueRef b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    std::string_view key;
    ValueRef left = a.at(i, &key), right = b.find(key);
    if (!right || !equal(left, right)) return false;
  }
  return true;
}

}  // namespace

bool equal(ValueRef a, ValueRef b) {
  if (a.get() == b.get()) return true;
  if (auto x = Number::of(a), y = Number::of(b); x && y) return x->compare(*y) == 0;
  if (!a || !b || a.kind() != b.kind()) return false;
  switch (a.kind()) {
    case HEDDLE_NULL:
      return true;
    case HEDDLE_BOOL:
      return a.as_bool() == b.as_bool();
    case HEDDLE_STRING:
      return a.as_text() == b.as_text();
    case HEDDLE_BYTES: {
      auto x = a.as_bytes(), y = b.as_bytes();
      return x && y && std::ranges::equal(*x, *y);
    }
    case HEDDLE_LIST:
      return equal_lists(a, b);
    case HEDDLE_MAP:
      return equal_maps(a, b);
    default:
      return false;
  }
}

}  // namespace heddle::node_std
