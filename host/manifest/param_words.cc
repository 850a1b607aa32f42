#include "manifest/param_words.h"

#include <algorithm>

#include "log.h"
#include "manifest/json_number.h"

namespace heddle {

std::string quoted(std::string_view text) { return "\"" + std::string(text) + "\""; }

std::string count_of(uint64_t n, std::string_view what) { return std::to_string(n) + " " + std::string(what) + (n == 1 ? "" : "s"); }

size_t character_count(std::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

bool json_equal(const JsonNode& a, const JsonNode& b) {
  if (a.kind != b.kind) return false;
  switch (a.kind) {
    case JsonKind::kNull:
      return true;
    case JsonKind::kBool:
      return a.boolean == b.boolean;
    case JsonKind::kNumber:
      return read_number(a.text).value == read_number(b.text).value;
    case JsonKind::kString:
      return a.text == b.text;
    case JsonKind::kList:
      return std::equal(a.items.begin(), a.items.end(), b.items.begin(), b.items.end(), json_equal);
    case JsonKind::kMap:
      break;
  }
  return a.members.size() == b.members.size() && std::all_of(a.members.begin(), a.members.end(), [&](const JsonNode::Member& member) {
           const JsonNode* other = b.find(member.key);
           return other && json_equal(member.value, *other);
         });
}

bool has_type(const JsonNode& value, std::string_view type) {
  switch (value.kind) {
    case JsonKind::kNull:
      return type == "null";
    case JsonKind::kBool:
      return type == "boolean";
    case JsonKind::kNumber:
      return type == "number" || (type == "integer" && read_number(value.text).whole);
    case JsonKind::kString:
      return type == "string";
    case JsonKind::kList:
      return type == "array";
    case JsonKind::kMap:
      return type == "object";
  }
  return false;
}

std::string name_of_type(std::string_view type) {
  if (type == "null") return "null";
  if (type == "boolean") return "true or false";
  if (type == "number") return "a number";
  if (type == "integer") return "a whole number";
  if (type == "string") return "a text";
  if (type == "array") return "a list";
  return "a map";
}

std::vector<std::string> types_of(const JsonNode& schema) {
  std::vector<std::string> out;
  const JsonNode* type = schema.find("type");
  if (!type) return out;
  if (type->kind == JsonKind::kString) out.push_back(type->text);
  for (const JsonNode& item : type->items) out.push_back(item.text);
  return out;
}

std::string joined(const std::vector<std::string>& parts, std::string_view last) {
  constexpr size_t kMostNames = 12;
  std::string out;
  for (size_t i = 0; i < parts.size() && i < kMostNames; ++i) {
    if (i > 0) out += i + 1 == parts.size() ? " " + std::string(last) + " " : ", ";
    out += parts[i];
  }
  return parts.size() > kMostNames ? out + ", …" : out;
}

std::string shown(const JsonNode& value) {
  constexpr size_t kMostBytes = 60;
  switch (value.kind) {
    case JsonKind::kNull:
      return "null";
    case JsonKind::kBool:
      return value.boolean ? "true" : "false";
    case JsonKind::kList:
      return value.items.empty() ? "an empty list" : "a list";
    case JsonKind::kMap:
      return value.members.empty() ? "an empty map" : "a map";
    case JsonKind::kNumber:
    case JsonKind::kString:
      break;
  }
  std::string text = log::redacted(value.text);  // before cutting: a part of a secret would not be recognised
  if (text.size() > kMostBytes) {
    size_t cut = kMostBytes;
    while ((static_cast<unsigned char>(text[cut]) & 0xC0) == 0x80) --cut;
    text = text.substr(0, cut) + "…";
  }
  return value.kind == JsonKind::kNumber ? text : "the text " + quoted(text);
}

}  // namespace heddle
