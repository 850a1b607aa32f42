// What a person reads when a text is not JSON: the mistake by its name, at its byte.
#pragma once
#include <rapidjson/error/error.h>

#include <string_view>

#include "manifest/diagnostic.h"

namespace heddle {

struct SyntaxContext {
  rapidjson::ParseErrorCode code = rapidjson::kParseErrorNone;
  size_t offset = 0;        // where the parser stopped
  size_t previous_end = 0;  // the byte after the last whole token
  char open = 0;            // '{' or '[': the innermost open container; 0: none
  size_t open_offset = 0;   // of that bracket
};

// The JSON Pointer is left to the caller.
Diagnostic syntax_error(std::string_view text, const SyntaxContext& context, const Diagnostics& diagnostics);

}  // namespace heddle
