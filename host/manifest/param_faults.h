// Why params do not satisfy a schema, in a user's words.
#pragma once
#include <string>
#include <vector>

#include "manifest/document.h"

namespace heddle {

struct ParamFault {
  std::string pointer;  // of the value meant
  Span span;
  std::string message;
  std::string hint;
};

// Explains what it can find; it is no judge. Empty for violations of keywords it does not know. `schema` has passed check_schema_form;
// `pointer` is that of the params.
std::vector<ParamFault> find_param_faults(const JsonNode& schema, const JsonNode& params, const std::string& pointer);

}  // namespace heddle
