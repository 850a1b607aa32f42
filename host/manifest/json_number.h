// A JSON number as JSON Schema sees it: 1.0 and 1e3 are whole numbers too.
#pragma once
#include <charconv>
#include <cmath>
#include <cstdint>
#include <string_view>

namespace heddle {

struct JsonNumber {
  double value = 0;     // the nearest; parse_document has refused what is too large
  bool whole = false;   // fits 64 bits and has no fraction
  int64_t integer = 0;  // exact, if whole
};

inline JsonNumber read_number(std::string_view text) {
  JsonNumber n;
  const char* const end = text.data() + text.size();
  if (const auto [stop, error] = std::from_chars(text.data(), end, n.integer); error == std::errc() && stop == end) {
    n.whole = true;
    n.value = static_cast<double>(n.integer);
    return n;
  }
  n.integer = 0;
  std::from_chars(text.data(), end, n.value);
  constexpr double kTwoTo63 = 9223372036854775808.0;
  if (n.value >= -kTwoTo63 && n.value < kTwoTo63 && std::floor(n.value) == n.value) {
    n.whole = true;
    n.integer = static_cast<int64_t>(n.value);
  }
  return n;
}

}  // namespace heddle
