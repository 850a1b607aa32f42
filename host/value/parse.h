// One JSON text to one value.
#pragma once
#include <string_view>

#include "result.h"
#include "value/object.h"

namespace heddle {

// A new kText: copied, white space around it dropped, line breaks between tokens turned into spaces, so that the text of a value is always
// one line. Null: not valid (json_error says why), or out of memory.
heddle_value* parse_json(std::string_view json) noexcept;

// Why parse_json refused `json`: code "bad-json", "bad-utf8" or "out-of-memory"; the message has line and column.
Error json_error(std::string_view json);

// A number in the smallest exact kind. `text` is a JSON number. Null: out of memory.
heddle_value* make_decimal(std::string_view text) noexcept;

}  // namespace heddle
