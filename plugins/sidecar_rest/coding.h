// How bytes are written in JSON, and ids in paths.
#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace sidecar_rest {

std::string to_base64(std::span<const std::byte> bytes);
// With the padding, and nothing else between; nothing, where it is none.
std::optional<std::string> from_base64(std::string_view text);

// As one segment of a path: whatever is not unreserved (RFC 3986) as %XX.
std::string to_segment(std::string_view text);
// Nothing, where an escape is none.
std::optional<std::string> from_segment(std::string_view text);

// What a worker said, fit for a message: printable ASCII, at most 300 of it.
std::string quotable(std::string_view text);

}  // namespace sidecar_rest
