// Endpoints of other hosts as people read them, from the JSON of GET /v1/remotes.
#pragma once
#include <string>

#include "value/value.h"

namespace heddle {

// A line for each endpoint of `remotes`, a list. `columns` 0: not cut.
std::string remotes_table(const Value& remotes, size_t columns);

}  // namespace heddle
