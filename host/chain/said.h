// Members of the maps that a chain gives.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "value/value.h"

namespace heddle {

// Empty, or 0, where there is none.
inline std::string text_in(const Value& map, std::string_view key) {
  const Value v = map.find(key);
  return std::string(v && v.kind() == HEDDLE_STRING ? *v.as_text() : "");
}
inline int64_t number_in(const Value& map, std::string_view key) {
  const Value v = map.find(key);
  return v ? v.as_int().value_or(0) : 0;
}

}  // namespace heddle
