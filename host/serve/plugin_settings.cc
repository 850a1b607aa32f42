#include "serve/plugin_settings.h"

#include <algorithm>

#include "value/json_value.h"

namespace heddle {
namespace {

constexpr std::string_view kKeys[] = {"directories", "allow", "pins", "pinned_only"};
constexpr size_t kDigits = 64;  // of a SHA-256

bool read_texts(Reading& reading, Fields& f, std::string_view key, std::optional<std::vector<std::string>>& out) {
  JsonNode* const list = f.get_list(key);
  if (!list) return false;
  const Path at = f.at(key);
  out.emplace();
  for (size_t i = 0; i < list->items.size(); ++i) {
    const JsonNode& item = list->items[i];
    if (item.kind == JsonKind::kString) out->push_back(item.text);
    else reading.error("wrong-type", Path(at, i), item.span, "an entry of \"" + std::string(key) + "\" must be a string, but this is " + std::string(name_of(item.kind)));
  }
  return true;
}

void read_pin(Reading& reading, const JsonNode& value, const Path& path, std::vector<std::string>& out) {
  if (value.kind != JsonKind::kString) return reading.error("wrong-type", path, value.span, "a pin must be a string, or a list of strings, but this is " + std::string(name_of(value.kind)));
  std::string digits = value.text;
  for (char& c : digits) c = c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
  if (digits.size() != kDigits || digits.find_first_not_of("0123456789abcdef") != digits.npos)
    return reading.error("bad-pin", path, value.span, "\"" + value.text + "\" is no SHA-256: 64 hexadecimal digits", "sha256sum FILE.so prints it, and so does heddle inspect FILE.so");
  out.push_back(std::move(digits));
}

void read_pins(Reading& reading, JsonNode& pins, const Path& path, PluginPolicy& policy) {
  for (const JsonNode::Member& m : pins.members) {
    const Path at(path, m.key);
    std::vector<std::string> digests;
    if (m.value.kind != JsonKind::kList) read_pin(reading, m.value, at, digests);
    for (size_t i = 0; i < m.value.items.size(); ++i) read_pin(reading, m.value.items[i], Path(at, i), digests);
    if (m.value.kind == JsonKind::kList && m.value.items.empty())
      reading.error("out-of-range", at, m.value.span, "plugin \"" + m.key + "\" has an empty list of pins: no file could be it", "to refuse it, leave it out of \"allow\"");
    policy.pins[m.key] = std::move(digests);
  }
}

Value texts(const std::vector<std::string>& list) {
  std::vector<Value> out;
  for (const std::string& text : list) out.push_back(json_text(text));
  return Value::list(std::move(out));
}

Value texts(const std::optional<std::vector<std::string>>& list) { return list ? texts(*list) : Value::null(); }

}  // namespace

void read_plugin_settings(Reading& reading, JsonNode& section, const Path& path, const std::function<std::string(const std::string&)>& path_of, PluginPolicy& policy) {
  Fields f(reading, section, path, kKeys, "\"plugins\"");
  if (read_texts(reading, f, "directories", policy.directories)) std::transform(policy.directories->begin(), policy.directories->end(), policy.directories->begin(), path_of);
  read_texts(reading, f, "allow", policy.allow);
  f.boolean("pinned_only", policy.pinned_only);
  if (JsonNode* const pins = f.get_map("pins")) read_pins(reading, *pins, f.at("pins"), policy);
}

std::vector<std::pair<std::string, Value>> plugin_settings_of(const PluginPolicy& policy) {
  std::vector<std::pair<std::string, Value>> out = {{"plugins.directories", texts(policy.directories)},
                                                    {"plugins.allow", texts(policy.allow)},
                                                    {"plugins.pinned_only", Value::boolean(policy.pinned_only)}};
  for (const auto& [id, digests] : policy.pins) out.emplace_back("plugins.pins." + id, texts(digests));
  return out;
}

}  // namespace heddle
