// JSON numbers as text: their grammar, their kind, their exact value.
#pragma once
#include <heddle/value.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace heddle {

// The end of the JSON number that begins at `text`, which has a byte behind it that belongs to no number; null if there is no number.
const char* skip_number(const char* text) noexcept;

// Is all of `text` one JSON number? Unlike skip_number it needs no byte behind the text.
bool is_number(std::string_view text) noexcept;

// INT: fits int64_t and is written without fraction and exponent. FLOAT: the shortest text of the nearest double denotes exactly this
// number. DECIMAL: all others. `text` is a JSON number.
heddle_kind number_kind(std::string_view text) noexcept;

// The kind that the first byte of a JSON text tells; kKindUnknown for numbers.
heddle_kind kind_of_text(char first) noexcept;

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
