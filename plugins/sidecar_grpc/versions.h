// Versions: a range of versions of a protocol, both ends included.
#pragma once
#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>

namespace sidecar_grpc {

// "1", "1.2" or "1.2.3", with what may follow a '-' or '+' left out; nothing, where it is none.
inline std::optional<std::array<uint32_t, 3>> parse_version(std::string_view text) {
  std::array<uint32_t, 3> parts{};
  text = text.substr(0, text.find_first_of("-+"));
  for (size_t i = 0; i < parts.size(); ++i) {
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), parts[i]);
    if (failed != std::errc() || end == text.data()) return std::nullopt;
    text.remove_prefix(static_cast<size_t>(end - text.data()));
    if (text.empty()) return parts;
    if (i + 1 == parts.size() || !text.starts_with('.')) return std::nullopt;
    text.remove_prefix(1);
  }
  return parts;
}

struct Versions {
  std::string min = {}, max = {};  // empty: no end on that side

  std::string text() const { return (min.empty() ? "any" : min) + " to " + (max.empty() ? "any" : max); }
  // False: they do not meet. Nothing: one of them is no version.
  std::optional<bool> meets(const Versions& other) const {
    const auto up_to = [](const std::string& low, const std::string& high) -> std::optional<bool> {
      if (low.empty() || high.empty()) return true;
      const auto l = parse_version(low), h = parse_version(high);
      if (!l || !h) return std::nullopt;
      return *l <= *h;
    };
    const auto one = up_to(min, other.max), two = up_to(other.min, max);
    if (!one || !two) return std::nullopt;
    return *one && *two;
  }
};

}  // namespace sidecar_grpc
