// JSON numbers as text: their grammar, their kind, their exact value.
#pragma once
#include <heddle/value.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace heddle {

inline bool is_digit(char c) noexcept { return static_cast<unsigned char>(c - '0') < 10; }

// The end of the JSON number that begins at `p`, which has a byte behind it that belongs to no number; null if there is no number.
inline const char* skip_number(const char* p) noexcept {
  if (*p == '-') ++p;
  if (*p == '0') {
    ++p;
  } else {
    if (!is_digit(*p)) return nullptr;
    do ++p;
    while (is_digit(*p));
  }
  if (*p == '.') {
    ++p;
    if (!is_digit(*p)) return nullptr;
    do ++p;
    while (is_digit(*p));
  }
  if ((*p | 0x20) == 'e') {
    ++p;
    if (*p == '+' || *p == '-') ++p;
    if (!is_digit(*p)) return nullptr;
    do ++p;
    while (is_digit(*p));
  }
  return p;
}

// Is all of `text` one JSON number? Unlike skip_number it needs no byte behind the text.
bool is_number(std::string_view text) noexcept;

// INT: fits int64_t and is written without fraction and exponent. FLOAT: the shortest text of the nearest double denotes exactly this
// number. DECIMAL: all others. `text` is a JSON number.
heddle_kind number_kind(std::string_view text) noexcept;

inline constexpr int8_t kKindUnknown = -1;  // of a number in text that nobody has looked at

// The kind that the first byte of a JSON text tells; kKindUnknown for numbers.
inline heddle_kind kind_of_text(char first) noexcept {
  switch (first) {
    case '{':
      return HEDDLE_MAP;
    case '[':
      return HEDDLE_LIST;
    case '"':
      return HEDDLE_STRING;
    case 't':
    case 'f':
      return HEDDLE_BOOL;
    case 'n':
      return HEDDLE_NULL;
    default:
      return kKindUnknown;
  }
}

// Of a number of kind INT; of any number: the nearest double (infinite beyond the largest).
int64_t integer_of_text(std::string_view text) noexcept;
double real_of_text(std::string_view text) noexcept;

// Room for the longest number that write_integer and write_real make.
inline constexpr size_t kNumberRoom = 32;
// Write to `out` and return the end. A real is the shortest text that reads back as the same double, and always shows that it is one
// ("10.0").
char* write_integer(char* out, int64_t i) noexcept;
char* write_real(char* out, double d) noexcept;

// Do both JSON numbers denote the same number? Exact; numbers with exponents beyond 10^17 are the same only if their texts are.
bool same_number(std::string_view a, std::string_view b) noexcept;

}  // namespace heddle
