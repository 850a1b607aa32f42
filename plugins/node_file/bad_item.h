// What leaves by the port "bad": where, why, and what.
#pragma once
#include <heddle/sdk.h>

#include <cstdint>
#include <string_view>

#include "source.h"

namespace node_file {

struct Fault {
  uint64_t line = 0;
  uint64_t column = 0;  // in bytes, from 1; 0: the whole line
  std::string why;
};

// {"line", "column" (where known), "error", "text", "text_bytes" (if the text is cut)}. Of `text` at most 4 KiB are kept; bytes that are not
// UTF-8 become U+FFFD. `bytes`: the length of the whole, of which `text` may be no more than the beginning.
Emission bad_item(const Fault& fault, std::string_view text, uint64_t bytes);

// `text` as UTF-8, with every byte that is none replaced by U+FFFD.
std::string repaired_utf8(std::string_view text);

// The byte at which `text` stops being UTF-8; npos: never.
size_t utf8_fault(std::string_view text);

}  // namespace node_file
