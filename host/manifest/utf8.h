// UTF-8 one character at a time: for columns, for the width of a line on a terminal, and for text that comes from outside.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace heddle {

struct Utf8Char {
  uint32_t code = 0;
  size_t length = 1;  // bytes
  bool valid = false;
};

// The character at the start of `text`, which is not empty. An invalid one is one byte long.
Utf8Char utf8_char(std::string_view text);

bool is_valid_utf8(std::string_view text);

// Columns of a terminal: 0, 1 or 2.
size_t display_width(uint32_t code);

// Safe to print on one line and to put into JSON: control characters and invalid bytes are written as \u00XX and \xXX.
std::string printable(std::string_view text);

}  // namespace heddle
