// Versions of plugins against what a manifest wants of them.
#pragma once
#include <string_view>

namespace heddle {

// `requirement`: comparisons joined by "," (">=1.0,<2"), all of which must hold; without an operator: equal. Compares major, minor and patch; what is missing
// is 0, what follows is not looked at. An empty requirement is satisfied by all.
bool version_satisfies(std::string_view version, std::string_view requirement);

}  // namespace heddle
