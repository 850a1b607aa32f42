#include "plugin/secrets.h"

#include <string>
#include <string_view>

#include "log.h"

namespace heddle {
namespace {

constexpr int kMaxDepth = 200;  // of schemas in schemas: a reference that leads in a circle ends here

void redact(const Value& root, const Value& schema, const Value& value, int depth) {
  if (!schema || schema.kind() != HEDDLE_MAP || depth == kMaxDepth) return;
  if (schema.find("writeOnly").as_bool().value_or(false) && value.kind() == HEDDLE_STRING) log::redact(std::string(*value.as_text()));
  // Of alternatives, those that do not hold count too: a secret that is not quite right is a secret.
  for (const char* keyword : {"anyOf", "oneOf", "allOf"}) {
    const Value all = schema.find(keyword);
    for (size_t i = 0; all && all.kind() == HEDDLE_LIST && i < all.size(); ++i) redact(root, all.at(i), value, depth + 1);
  }
  for (const char* keyword : {"if", "then", "else"}) redact(root, schema.find(keyword), value, depth + 1);
  if (const auto reference = schema.find("$ref").as_text(); reference && reference->starts_with("#/definitions/"))
    redact(root, root.find("definitions").find(reference->substr(std::string_view("#/definitions/").size())), value, depth + 1);
  if (value.kind() == HEDDLE_MAP) {
    const Value properties = schema.find("properties"), others = schema.find("additionalProperties");
    for (size_t i = 0; i < value.size(); ++i) {
      std::string_view key;
      const Value member = value.at(i, &key), property = properties.find(key);
      redact(root, property ? property : others, member, depth + 1);
    }
  }
  if (value.kind() == HEDDLE_LIST) {
    const Value items = schema.find("items");
    for (size_t i = 0; i < value.size(); ++i) redact(root, items, value.at(i), depth + 1);
  }
}

}  // namespace

void redact_secrets(std::string_view schema, const Value& value) {
  if (schema.find("\"writeOnly\"") == schema.npos) return;
  if (const auto parsed = Value::parse(schema)) redact(*parsed, *parsed, value, 0);
}

}  // namespace heddle
