// The params of a node type, read from its JSON Schema, one row each.
#pragma once
#include <string>
#include <vector>

#include "value/value.h"

namespace heddle {

struct ParamRow {
  std::string name;      // "retry.max_attempts", "cases[].port"
  std::string type;      // "number", "integer or null", "one of \"a\", \"b\""
  std::string limits;    // "0 to 1", "at least 1", "more than 0", or empty
  std::string fallback;  // the default as JSON, "required", or empty
  std::string meaning;
};

// Nested objects and lists follow the row they belong to. What a schema says by other keywords than the usual ones is not shown.
std::vector<ParamRow> params_table(const Value& schema);

}  // namespace heddle
