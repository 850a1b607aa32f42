// What a plugin says in words, made fit for messages, log lines and error items.
#pragma once
#include <heddle/abi.h>

#include <string>
#include <string_view>

namespace heddle {

inline constexpr size_t kMaxPluginText = size_t{16} << 10;

// A copy: control characters become spaces (a line stays one line, and no terminal is steered), what is not UTF-8 becomes U+FFFD, and it is
// cut at kMaxPluginText.
std::string plugin_text(std::string_view said);
inline std::string plugin_text(heddle_str said) {
  return plugin_text(said.ptr ? std::string_view(said.ptr, said.len) : std::string_view());
}

}  // namespace heddle
