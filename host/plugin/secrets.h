// What a schema marks as secret.
#pragma once
#include "value/value.h"

namespace heddle {

// Values of members that `schema` marks as "writeOnly" are shown to nobody from here on (log::redact).
void redact_secrets(const Value& schema, const Value& value);

}  // namespace heddle
