// JSON text out of values.
#pragma once
#include <string>

#include "value/object.h"

namespace heddle {

// Appends the JSON text of `v`. False: somewhere in it are bytes or a tensor that cannot be read from here (device memory, a broken
// descriptor); there the text says null.
bool append_json_of(std::string& out, const heddle_value* v);

}  // namespace heddle
