// The words in which messages about params speak of values and types.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "manifest/document.h"

namespace heddle {

// How a message names a value: `the text "two"`, `3`, `a list`. Long texts are cut, secrets are not shown.
std::string shown(const JsonNode& value);

std::string quoted(std::string_view text);
std::string count_of(uint64_t n, std::string_view what);  // "1 key", "2 keys"
// "a, b or c", with `last` before the last one. Of many, the first dozen.
std::string joined(const std::vector<std::string>& parts, std::string_view last);

// A type of JSON Schema: "integer" is "a whole number".
std::string name_of_type(std::string_view type);
bool has_type(const JsonNode& value, std::string_view type);
// The "type" of a schema, which is one name or a list of them; empty: any.
std::vector<std::string> types_of(const JsonNode& schema);

// Equality as JSON Schema has it: numbers by value, maps without regard to order.
bool json_equal(const JsonNode& a, const JsonNode& b);
size_t character_count(std::string_view utf8);

}  // namespace heddle
