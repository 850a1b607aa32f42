// The shapes of bodies and answers, as components of the OpenAPI document.
#pragma once
#include "value/value.h"

namespace heddle {

Value openapi_schemas();

}  // namespace heddle
