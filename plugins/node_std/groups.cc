#include "groups.h"

namespace heddle::node_std {

using sdk::Value;

void Group::add(Reduction reduction, const Number& n) {
  switch (reduction) {
    case Reduction::kCount:
      break;
    case Reduction::kSum:
    case Reduction::kMean:
      number = number.plus(n);
      break;
    case Reduction::kMin:
      if (count == 0 || n.compare(number) < 0) number = n;
      break;
    case Reduction::kMax:
      if (count == 0 || n.compare(number) > 0) number = n;
      break;
  }
  ++count;
}

Value Group::result(Reduction reduction) const {
  Value value;
  if (reduction == Reduction::kCount) {
    value = Value::integer(count);
  } else if (count == 0 && reduction != Reduction::kSum) {
    value = Value::null();
  } else if (reduction == Reduction::kMean) {
    value = Value::number(number.as_float() / static_cast<double>(count));
  } else {
    value = number.value();
  }
  if (!key) return Value::map({{"value", std::move(value)}, {"count", Value::integer(count)}});
  return Value::map({{"key", key}, {"value", std::move(value)}, {"count", Value::integer(count)}});
}

Group& Groups::of(sdk::ValueRef key) {
  std::string_view text = key.json();
  auto found = index_.find(text);
  if (found != index_.end()) return groups_[found->second];
  groups_.push_back({Value::share(key), 0, Number()});
  index_.emplace(text, groups_.size() - 1);
  return groups_.back();
}

}  // namespace heddle::node_std
