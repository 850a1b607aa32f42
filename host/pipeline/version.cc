#include "pipeline/version.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace heddle {
namespace {

using Numbers = std::array<uint64_t, 3>;

Numbers numbers(std::string_view version) {
  Numbers out{};
  size_t part = 0;
  for (const char c : version) {
    if (c == '.') {
      if (++part == out.size()) break;
    } else if (c >= '0' && c <= '9') {
      out[part] = out[part] * 10 + static_cast<uint64_t>(c - '0');
    } else {
      break;
    }
  }
  return out;
}

bool holds(const Numbers& have, std::string_view op, const Numbers& want) {
  if (op == ">=") return have >= want;
  if (op == ">") return have > want;
  if (op == "<=") return have <= want;
  if (op == "<") return have < want;
  return have == want;
}

}  // namespace

bool version_satisfies(std::string_view version, std::string_view requirement) {
  const Numbers have = numbers(version);
  while (!requirement.empty()) {
    const size_t end = std::min(requirement.find(','), requirement.size());
    std::string_view term = requirement.substr(0, end);
    requirement.remove_prefix(std::min(end + 1, requirement.size()));
    term.remove_prefix(std::min(term.find_first_not_of(' '), term.size()));
    const size_t digits = std::min(term.find_first_of("0123456789"), term.size());
    const std::string_view op = term.substr(0, std::min(term.find_first_of(" 0123456789"), digits));
    if (!holds(have, op, numbers(term.substr(digits)))) return false;
  }
  return true;
}

}  // namespace heddle
