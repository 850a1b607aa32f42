// The groups of an Aggregate: what it knows of the items so far, by key.
#pragma once
#include <heddle/sdk.h>

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "number.h"

namespace heddle::node_std {

enum class Reduction : uint8_t { kCount, kSum, kMin, kMax, kMean };

struct Group {
  sdk::Value key;  // empty where items are not grouped
  int64_t count = 0;
  Number number;  // the sum; or the least or greatest so far, where count > 0

  // Takes a number in. Throws where it does not fit, and then has not changed.
  void add(Reduction reduction, const Number& n);
  // {"key", "value", "count"}
  sdk::Value result(Reduction reduction) const;
};

// In the order in which the keys first came.
class Groups {
 public:
  // The group of a key (its JSON text tells keys apart); made where there is none.
  Group& of(sdk::ValueRef key);
  const std::vector<Group>& all() const { return groups_; }
  void clear() {
    groups_.clear();
    index_.clear();
  }

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view s) const { return std::hash<std::string_view>()(s); }
  };
  std::vector<Group> groups_;
  std::unordered_map<std::string, size_t, Hash, std::equal_to<>> index_;
};

}  // namespace heddle::node_std
