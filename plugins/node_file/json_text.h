// JSON text to a value, with the host's words about what is wrong with it.
#pragma once
#include <heddle/sdk.h>

#include <string>

#include "bad_item.h"

namespace node_file {

// Empty if `text` is no JSON: then `fault` has the reason, and the column if the host told it.
heddle::sdk::Value parse_json(heddle::sdk::Host host, std::string_view text, Fault& fault);

}  // namespace node_file
