#include "cli/manifest_schema.h"

#include "value/json_value.h"

namespace heddle {
namespace {

using Members = std::vector<std::pair<std::string, Value>>;

Members members_of(const Value& map) {
  Members out;
  for (size_t i = 0; map && i < map.size(); ++i) {
    std::string_view key;
    Value value = map.at(i, &key);
    out.emplace_back(key, std::move(value));
  }
  return out;
}

// `map` with `key` set to `value`.
Value with(const Value& map, const std::string& key, Value value) {
  Members members = members_of(map);
  for (auto& [name, old] : members) {
    if (name != key) continue;
    old = std::move(value);
    return json_object(std::move(members));
  }
  members.emplace_back(key, std::move(value));
  return json_object(std::move(members));
}

Value reference(const std::string& definition) { return json_object({{"$ref", json_text("#/definitions/" + definition)}}); }

// A plugin's schema as part of ours. Its own "$ref"s are relative to it, so it keeps an "$id" of its own.
Value params_definition(const TypeDescriptor& type) {
  Value schema = json_or_text(type.params_schema);
  Members properties = members_of(schema.find("properties"));
  for (auto& [name, property] : properties) property = json_object({{"anyOf", Value::list({property, reference("substitution")})}});
  bool has_references = type.params_schema.find("\"$ref\"") != std::string::npos;
  if (has_references) return with(schema, "$id", json_text("heddle:params/" + type.type));
  return properties.empty() ? schema : with(schema, "properties", json_object(std::move(properties)));
}

Value condition(const TypeDescriptor& type, const std::string& definition) {
  std::vector<Value> names{json_text(type.type)};
  for (const std::string& alias : type.aliases) names.push_back(json_text(alias));
  Value is_type = json_object({{"properties", json_object({{"node_type", json_object({{"enum", Value::list(std::move(names))}})}})},
                               {"required", Value::list({json_text("node_type")})}});
  Value then = json_object({{"properties", json_object({{"params", reference(definition)}})}});
  Members members{{"if", std::move(is_type)}, {"then", then}};
  // Without params the type's required ones are missing.
  if (Value required = json_or_text(type.params_schema).find("required"); required && required.size() > 0) {
    members[1].second = with(then, "required", Value::list({json_text("params")}));
  }
  return json_object(std::move(members));
}

}  // namespace

std::string schema_with_types(const Catalog& catalog) {
  Value schema = json_or_text(heddle1_schema()), definitions = schema.find("definitions");
  std::vector<Value> conditions;
  for (const auto& plugin : catalog.plugins()) {
    for (const TypeDescriptor& type : plugin->types) {
      if (type.kind != "node") continue;
      std::string definition = "params." + type.type;
      conditions.push_back(condition(type, definition));
      definitions = with(definitions, definition, params_definition(type));
    }
  }
  if (!conditions.empty())
    definitions = with(definitions, "node", with(definitions.find("node"), "allOf", Value::list(std::move(conditions))));
  return with(schema, "definitions", definitions).json();
}

}  // namespace heddle
