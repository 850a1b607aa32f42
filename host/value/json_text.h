// JSON strings: resolving escapes, writing escapes.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace heddle {

// Resolves the escapes of `raw`, the inside of a valid JSON string, into `out`, which has room for raw.size() bytes. Returns the end.
char* unescape(std::string_view raw, char* out) noexcept;

// Appends `text` in double quotes, escaped where JSON demands it.
void append_quoted(std::string& out, std::string_view text);
// Appends `before`, `key` as above, and ':'.
void append_key(std::string& out, char before, std::string_view key);

// Appends standard base64, padded, without quotes.
void append_base64(std::string& out, std::string_view bytes);

}  // namespace heddle
