// The target of a request line: path and query, percent-decoded.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace transport_http {

using Parameters = std::vector<std::pair<std::string, std::string>>;

struct Target {
  std::vector<std::string> segments;  // "/v1/jobs" → {"v1", "jobs"}; decoded after splitting, so that %2F is no separator
  Parameters query;                   // no name twice
};

// "/path?query", or "http://host/path?query". The error says what is wrong: a bad escape, not UTF-8, a NUL, a name twice.
struct TargetOrError {
  std::optional<Target> target;
  std::string error;
};
TargetOrError parse_target(std::string_view text);

bool is_utf8(std::string_view text);

}  // namespace transport_http
