// The JSON Schema (draft 7) of heddle/1, with the params of the installed node types.
#pragma once
#include <string>
#include <string_view>

#include "plugin/catalog.h"

namespace heddle {

// manifests/heddle-1.schema.json, as it was when the program was built.
std::string_view heddle1_schema();

// heddle1_schema with one condition per node type: where "node_type" is it (or an alias), "params" obeys the plugin's schema. A string that
// is substituted
// ("${…}") may stand for any param.
std::string schema_with_types(const Catalog& catalog);

}  // namespace heddle
