// The form of a JSON Schema: where its subschemas are, what its references mean, and whether it can be evaluated at all.
#pragma once
#include <string>
#include <string_view>

#include "manifest/document.h"
#include "result.h"

namespace heddle {

// A schema with more subschemas than this is refused, and one that is deeper: reading it recurses along its subschemas and references. As deep as it can be is one more than it has
// schemas that references lead to, times how deep they stand in each other.
inline constexpr size_t kMaxSubschemas = 4000;
inline constexpr size_t kMaxSchemaDepth = 1000;

// Refuses what would keep an evaluation from ending or being decided: patterns that are no regular expressions, a multipleOf that is not
// positive, references that leave the text, lead to no schema, or back to themselves without going into the value. Everything else is left
// to the validator.
Result<void> check_schema_form(const JsonNode& schema);

// The schema that "#/…" leads to, or null.
const JsonNode* follow_reference(const JsonNode& root, std::string_view reference);

// The "$ref" of a schema, or null: beside it, draft 7 ignores every other keyword.
const JsonNode* reference_of(const JsonNode& schema);

// Calls `visit(keyword, subschema)` for every direct subschema. `Node` is JsonNode, const or not.
template <class Node, class Visit>
void for_each_subschema(Node& schema, const Visit& visit) {
  constexpr std::string_view kOne[] = {"additionalProperties", "additionalItems", "items", "not", "if", "then", "else", "contains",
                                       "propertyNames"};
  constexpr std::string_view kList[] = {"allOf", "anyOf", "oneOf", "items"};
  constexpr std::string_view kMap[] = {"properties", "patternProperties", "definitions", "$defs", "dependencies"};
  const auto any_of = [](const auto& names, std::string_view key) {
    for (std::string_view name : names) {
      if (name == key) return true;
    }
    return false;
  };
  for (auto& member : schema.members) {
    const std::string_view key = member.key;
    auto& value = member.value;
    if (value.kind == JsonKind::kList && any_of(kList, key)) {
      for (auto& item : value.items) visit(key, item);
    } else if (value.kind == JsonKind::kMap && any_of(kMap, key)) {
      for (auto& entry : value.members) {
        if (entry.value.kind != JsonKind::kList) visit(key, entry.value);  // a list: the dependencies of a property by name
      }
    } else if (any_of(kOne, key)) {
      visit(key, value);
    }
  }
}

}  // namespace heddle
