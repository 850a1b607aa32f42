// Endpoints of other hosts, and the workers of sidecars, as people read them, from the JSON of GET /v1/remotes.
#pragma once
#include <string>

#include "value/value.h"

namespace heddle {

// A line for each endpoint of `remotes`, a list. `columns` 0: not cut.
std::string remotes_table(const Value& remotes, size_t columns);
// A line for each worker of `sidecars`, a list. Empty where there is none.
std::string sidecars_table(const Value& sidecars, size_t columns);
// Both, of the whole answer.
std::string remotes_text(const Value& answer, size_t columns);

}  // namespace heddle
