#include "cli/params_table.h"

namespace heddle {
namespace {

constexpr int kDeepest = 5;

std::string text_of(const Value& v) { return std::string(v ? v.as_text().value_or("") : ""); }

bool lists(const Value& list, std::string_view word) {
  for (size_t i = 0; list && i < list.size(); ++i) {
    if (list.at(i).as_text() == word) return true;
  }
  return false;
}

std::string joined(const Value& list, std::string_view between, bool as_json) {
  std::string out;
  for (size_t i = 0; i < list.size(); ++i) {
    if (i) out += between;
    out += as_json ? list.at(i).json() : text_of(list.at(i));
  }
  return out;
}

std::string type_of(const Value& schema) {
  if (Value values = schema.find("enum")) return "one of " + joined(values, ", ", true);
  if (Value value = schema.find("const")) return value.json();
  Value type = schema.find("type");
  if (type && type.kind() == HEDDLE_LIST) return joined(type, " or ", false);
  if (type) return text_of(type);
  for (const char* keyword : {"oneOf", "anyOf"}) {
    Value choices = schema.find(keyword);
    std::string out;
    for (size_t i = 0; choices && i < choices.size(); ++i) out += (i ? " or " : "") + type_of(choices.at(i));
    if (!out.empty()) return out;
  }
  return "any";
}

std::string range(const Value& low, const Value& high, const std::string& unit) {
  if (low && high) return low.json() + " to " + high.json() + unit;
  if (low) return "at least " + low.json() + unit;
  return high ? "at most " + high.json() + unit : "";
}

std::string limits_of(const Value& schema) {
  std::vector<std::string> parts;
  parts.push_back(range(schema.find("minimum"), schema.find("maximum"), ""));
  if (Value above = schema.find("exclusiveMinimum")) parts.push_back("more than " + above.json());
  if (Value below = schema.find("exclusiveMaximum")) parts.push_back("less than " + below.json());
  parts.push_back(range(schema.find("minLength"), schema.find("maxLength"), " characters"));
  parts.push_back(range(schema.find("minItems"), schema.find("maxItems"), " elements"));
  if (Value pattern = schema.find("pattern")) parts.push_back("like " + text_of(pattern));
  std::string out;
  for (const std::string& part : parts) {
    if (!part.empty()) out += (out.empty() ? "" : ", ") + part;
  }
  return out;
}

// Its depth is that of what we show, not of the schema.
void add_properties(const Value& schema, const std::string& prefix, int depth, std::vector<ParamRow>& rows) {
  Value properties = schema.find("properties"), required = schema.find("required");
  if (!properties || depth > kDeepest) return;
  for (size_t i = 0; i < properties.size(); ++i) {
    std::string_view key;
    Value one = properties.at(i, &key);
    ParamRow& row = rows.emplace_back();
    row.name = prefix + std::string(key);
    row.type = type_of(one);
    row.limits = limits_of(one);
    if (Value fallback = one.find("default"))
      row.fallback = fallback.json();
    else if (lists(required, key))
      row.fallback = "required";
    row.meaning = text_of(one.find("description"));
    std::string name = row.name;
    add_properties(one, name + ".", depth + 1, rows);
    if (Value items = one.find("items")) add_properties(items, name + "[].", depth + 1, rows);
  }
}

}  // namespace

std::vector<ParamRow> params_table(const Value& schema) {
  std::vector<ParamRow> rows;
  add_properties(schema, "", 0, rows);
  return rows;
}

}  // namespace heddle
