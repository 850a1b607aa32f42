// Members of the JSON that a host answers with, and what stands for one that is absent.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "value/value.h"

namespace heddle {

inline std::string text_member(const Value& map, std::string_view key) { return std::string(map.find(key).as_text().value_or("")); }

inline uint64_t count_member(const Value& map, std::string_view key) {
  const int64_t n = map.find(key).as_int().value_or(0);
  return n > 0 ? static_cast<uint64_t>(n) : 0;
}

inline bool flag_member(const Value& map, std::string_view key) { return map.find(key).as_bool().value_or(false); }

}  // namespace heddle
