// Texts of HTTP, which are ASCII whatever the locale says.
#pragma once
#include <algorithm>
#include <string>
#include <string_view>

namespace transport_http {

inline std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return out;
}

inline bool is_printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

// What a peer said, fit for a message.
inline std::string quotable(std::string_view text) {
  std::string out(text);
  std::replace_if(out.begin(), out.end(), [](char c) { return c < ' ' || c > '~'; }, '.');
  return out;
}

}  // namespace transport_http
