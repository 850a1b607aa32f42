#include <algorithm>

#include "log.h"
#include "manifest/sections.h"
#include "manifest/substitute.h"
#include "manifest/utf8.h"

namespace heddle {
namespace {

constexpr std::string_view kParamKeys[] = {"type", "description", "default", "from", "min", "max", "enum"};
constexpr std::string_view kTypeNames[] = {"a string", "a number", "a whole number", "true or false", "a string"};

bool is_number(ParamType type) { return type == ParamType::kNumber || type == ParamType::kInteger; }

bool is_integer(std::string_view number) { return number.find_first_of(".eE") == std::string_view::npos; }

JsonNode string_node(std::string text, Span span) {
  JsonNode node;
  node.kind = JsonKind::kString;
  node.text = std::move(text);
  node.span = span;
  return node;
}

// Whole numbers of up to 64 bits are compared exactly.
bool less(const std::string& a, const std::string& b) {
  uint64_t wa, wb;
  if (to_whole(a, wa) && to_whole(b, wb)) return wa < wb;
  double da = 0, db = 0;
  return to_double(a, da) && to_double(b, db) && da < db;
}

// What is wrong with `value` for this param, or empty.
std::string fault_of(const ParamDeclaration& p, const JsonNode& value) {
  const JsonKind wanted = is_number(p.type) ? JsonKind::kNumber : p.type == ParamType::kBoolean ? JsonKind::kBool : JsonKind::kString;
  const std::string expects = "must be " + std::string(kTypeNames[static_cast<size_t>(p.type)]);
  if (value.kind != wanted) return expects + ", but is " + std::string(name_of(value.kind));
  if (p.type == ParamType::kInteger && !is_integer(value.text)) return expects + ", but is " + value.text;
  if (!p.min.empty() && less(value.text, p.min)) return "must be at least " + p.min + ", but is " + value.text;
  if (!p.max.empty() && less(p.max, value.text)) return "must be at most " + p.max + ", but is " + value.text;
  if (p.choices.empty()) return {};
  std::string all;
  for (const JsonNode& c : p.choices) {
    if (c.kind == value.kind && c.text == value.text) return {};
    all.append(all.empty() ? "" : ", ").append(c.json());
  }
  return "must be one of " + all + ", but is " + value.json();
}

class ParamReader {
 public:
  ParamReader(Reading& reading, Fields& fields, ParamDeclaration& p) : reading_(reading), fields_(fields), p_(p) {}

  // False: the declaration is no use.
  bool read() {
    size_t type = 0;
    if (!fields_.require("type") || !fields_.choice("type", {"string", "number", "integer", "boolean", "secret"}, type)) return false;
    p_.type = static_cast<ParamType>(type);
    fields_.text("description", p_.description);
    const size_t before = reading_.diagnostics().errors();
    if (p_.type == ParamType::kSecret) {
      refuse({"default", "min", "max", "enum"}, "a secret does not stand in the manifest: say where it comes from with \"from\"");
      read_source();
    } else {
      refuse({"from"}, "\"from\" is for params of type secret; ${env.NAME} and ${file:path} can be used in nodes directly");
    }
    if (is_number(p_.type))
      read_limits();
    else if (p_.type != ParamType::kSecret)
      refuse({"min", "max"}, "\"min\" and \"max\" are for numbers");
    if (p_.type == ParamType::kBoolean)
      refuse({"enum"}, "a boolean has two values anyway");
    else if (p_.type != ParamType::kSecret)
      read_choices();
    if (JsonNode* value = fields_.get("default"); value && p_.type != ParamType::kSecret) {
      if (const std::string fault = fault_of(p_, *value); !fault.empty())
        fields_.error("bad-param", "default", "\"default\" " + fault);
      else
        p_.default_value = *value;
    }
    return reading_.diagnostics().errors() == before;
  }

 private:
  void refuse(std::initializer_list<std::string_view> keys, std::string hint) {
    for (std::string_view key : keys) {
      if (fields_.get(key)) fields_.error("bad-param", key, "\"" + std::string(key) + "\" has no meaning for this type of param", hint);
    }
  }

  void read_source() {
    if (!fields_.text("from", p_.from)) return;
    if ((p_.from.starts_with("env:") && p_.from.size() > 4) || (p_.from.starts_with("file:") && p_.from.size() > 5)) return;
    fields_.error("bad-param", "from", "\"" + p_.from + "\" is no place to take a secret from", "write \"env:NAME\" or \"file:PATH\"");
  }

  void read_limits() {
    for (auto [key, out] : {std::pair{"min", &p_.min}, std::pair{"max", &p_.max}}) {
      const JsonNode* value = fields_.get(key);
      if (!value) continue;
      if (value->kind == JsonKind::kNumber && (p_.type == ParamType::kNumber || is_integer(value->text)))
        *out = value->text;
      else
        fields_.error("wrong-type", key, "\"" + std::string(key) + "\" must be " + std::string(kTypeNames[static_cast<size_t>(p_.type)]));
    }
    if (!p_.min.empty() && !p_.max.empty() && less(p_.max, p_.min)) fields_.error("out-of-range", "min", "\"min\" is greater than \"max\"");
  }

  void read_choices() {
    JsonNode* list = fields_.get_list("enum");
    if (!list) return;
    if (list->items.empty()) fields_.error("bad-param", "enum", "\"enum\" has no values");
    for (const JsonNode& choice : list->items) {
      if (const std::string fault = fault_of(p_, choice); fault.empty())
        continue;
      else
        reading_.error("bad-param", fields_.at("enum"), choice.span, "a value of \"enum\" " + fault);
    }
    p_.choices = list->items;
  }

  Reading& reading_;
  Fields& fields_;
  ParamDeclaration& p_;
};

// The value of a param: given with --param, from its source, or its default. Empty after an error.
class ParamValue {
 public:
  ParamValue(ManifestReading& reading, const ParamDeclaration& p, const Path& path) : reading_(reading), p_(p), path_(path) {}

  std::optional<JsonNode> find() {
    std::optional<JsonNode> value;
    const auto& given = reading_.options().params;
    if (const auto it = given.find(p_.name); it != given.end())
      value = from_text(it->second);
    else if (!p_.from.empty())
      value = from_source();
    else
      return declared();
    if (value && !is_valid_utf8(value->text)) return fail("bad-param", "the value of the param \"" + p_.name + "\" is not valid UTF-8", "");
    return value;
  }

 private:
  std::optional<JsonNode> declared() {
    if (p_.default_value) return p_.default_value;
    return fail("missing-param", "the param \"" + p_.name + "\" has no value",
                "give it with --param " + p_.name + "=…" + (p_.type == ParamType::kSecret ? "" : ", or write a \"default\""));
  }

  std::optional<JsonNode> from_text(const std::string& text) {
    JsonNode value = string_node(text, p_.span);
    if (is_number(p_.type) || p_.type == ParamType::kBoolean) {
      Diagnostics ignored("", "");
      if (!parse_document(text, value, ignored)) value = string_node(text, p_.span);
      value.span = p_.span;
    }
    const std::string fault = fault_of(p_, value);
    if (fault.empty()) return value;
    const std::string message = "--param " + p_.name + "=" + text + ": the param " + fault;
    if (p_.type == ParamType::kSecret) return fail("bad-param", message, "");
    reading_.verbatim_error("bad-param", path_, p_.span, message);  // typed by whoever reads it, for a param that is no secret
    return {};
  }

  std::optional<JsonNode> from_source() {
    if (!reading_.takes_in())
      return fail("not-yours", "a manifest that is sent to a host takes in nothing of that host: the secret \"" + p_.name + "\" from \"" + p_.from + "\"", "write what it is where it is used");
    const std::string way_out = "or give it with --param " + p_.name + "=…";
    if (p_.from.starts_with("file:")) {
      Result<std::string> content = read_text_file(reading_.file(), p_.from.substr(5));
      if (content) return string_node(std::move(content).value(), p_.span);
      return fail("missing-param", "the secret \"" + p_.name + "\" has no value: " + content.error().message, "write the file, " + way_out);
    }
    const std::string name = p_.from.substr(4);
    const char* value = reading_.variable(name);
    if (value) return string_node(value, p_.span);
    return fail("missing-param", "the secret \"" + p_.name + "\" has no value: the environment variable " + name + " is not set",
                "set it, " + way_out);
  }

  std::optional<JsonNode> fail(std::string code, std::string message, std::string hint) {
    reading_.error(std::move(code), path_, p_.span, std::move(message), std::move(hint));
    return {};
  }

  ManifestReading& reading_;
  const ParamDeclaration& p_;
  const Path& path_;
};

}  // namespace

ParamValues read_params(ManifestReading& reading, JsonNode& section, const Path& path) {
  ParamValues values;
  if (section.kind != JsonKind::kMap) {
    reading.error("wrong-type", path, section.span, "\"params\" must be a map, but this is " + std::string(name_of(section.kind)));
    return values;
  }
  for (JsonNode::Member& m : section.members) {
    const Path at(path, m.key);
    if (!is_name(m.key))
      reading.error("bad-name", at, m.key_span, "\"" + m.key + "\" cannot be the name of a param",
                    "letters, digits, \"_\" and \"-\", not beginning with a digit");
    ParamDeclaration p;
    p.name = m.key;
    p.pointer = at.pointer();
    p.span = m.key_span;
    Fields fields(reading, m.value, at, kParamKeys, "a param");
    const bool is_usable = m.value.kind == JsonKind::kMap && ParamReader(reading, fields, p).read();
    if (is_usable && reading.options().substitute) {
      if (std::optional<JsonNode> value = ParamValue(reading, p, at).find()) {
        if (p.type == ParamType::kSecret && !value->text.empty()) {
          log::redact(value->text);
          reading.manifest().secrets.push_back(value->text);
        }
        if (p.type != ParamType::kSecret) p.value = *value;
        values.emplace(p.name, std::move(*value));
      }
    }
    reading.manifest().params.push_back(std::move(p));
  }
  return values;
}

void check_given_params(ManifestReading& reading) {
  std::vector<std::string> declared;
  for (const ParamDeclaration& p : reading.manifest().params) declared.push_back(p.name);
  for (const auto& [name, value] : reading.options().params) {
    if (std::find(declared.begin(), declared.end(), name) != declared.end()) continue;
    std::string hint = reading.suggestion(name, declared);
    if (hint.empty()) hint = declared.empty() ? "the manifest declares no params" : "the manifest declares: ";
    if (hint.ends_with(": ")) {
      for (const std::string& d : declared) hint += (hint.ends_with(": ") ? "" : ", ") + d;
    }
    reading.error("unknown-param", Path(), {}, "--param " + name + ": the manifest has no such param", std::move(hint));
  }
}

}  // namespace heddle
