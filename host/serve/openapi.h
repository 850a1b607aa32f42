// The OpenAPI 3.0 document of the control, made of its table of routes.
#pragma once
#include <string_view>

#include "value/value.h"

namespace heddle {

// Of GET /v1/openapi.json; `version`: of the host.
Value openapi_document(std::string_view version);

}  // namespace heddle
