// Small makers for the JSON that the host itself writes: they cannot fail where the input is ours, or repair what is not.
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "result.h"
#include "value/value.h"

namespace heddle {

// A JSON string. Bytes that are not UTF-8 become U+FFFD: a file name or a broken input line must not make a report impossible.
Value json_text(std::string_view text);

Value json_count(uint64_t n);

Value json_milliseconds(uint64_t ns);

// {"code","class","message"}, secrets redacted.
Value error_json(const Error& error);

// Keys must be distinct; a later one of the same name is left out.
Value json_object(std::vector<std::pair<std::string, Value>> members);

// `json` as a value, or as a string where it is no JSON.
Value json_or_text(std::string_view json);

// `text` with every byte that is not part of valid UTF-8 replaced by U+FFFD.
std::string repaired_utf8(std::string_view text);

}  // namespace heddle
