// What a schema marks as secret.
#pragma once
#include <string_view>

#include "value/value.h"

namespace heddle {

// Texts in `value` that `schema`, a JSON Schema, marks as "writeOnly" are shown to nobody from here on (log::redact).
void redact_secrets(std::string_view schema, const Value& value);

}  // namespace heddle
