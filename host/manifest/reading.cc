#include "manifest/reading.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "manifest/utf8.h"

namespace heddle {

void Reading::error(std::string code, const Path& path, Span span, std::string message, std::string hint) {
  if (diagnostics_.is_unknown(span)) return;
  Diagnostic d{Severity::kError, std::move(code), "", span, std::move(message), std::move(hint)};
  if (diagnostics_.errors() < Diagnostics::kMax) d.pointer = pointer_in_text(path, span);
  diagnostics_.add(std::move(d));
}

void Reading::verbatim_error(std::string code, const Path& path, Span span, std::string message) {
  Diagnostic d{Severity::kError, std::move(code), pointer_in_text(path, span), span, std::move(message), ""};
  d.verbatim = true;
  diagnostics_.add(std::move(d));
}

std::string Reading::suggestion(std::string_view word, const std::vector<std::string>& candidates) {
  if (diagnostics_.errors() >= Diagnostics::kMax || candidates.size() > comparisons_left_) return {};
  comparisons_left_ -= candidates.size();
  const std::string found = nearest(word, candidates);
  return found.empty() ? std::string() : "did you mean \"" + found + "\"?";
}

const char* Reading::variable(const std::string& name) const { return std::getenv(name.c_str()); }

Fields::Fields(Reading& reading, JsonNode& map, const Path& path, Keys keys, std::string_view what)
    : reading_(reading), map_(map), path_(path), what_(what) {
  if (map.kind != JsonKind::kMap) {
    reading_.error("wrong-type", path, map.span, std::string(what) + " must be a map, but this is " + std::string(name_of(map.kind)));
    return;
  }
  for (JsonNode::Member& m : map.members) {
    if (std::find(keys.begin(), keys.end(), m.key) != keys.end()) continue;
    if (is_extension(m.key))
      reading_.keep_extension(Path(path, m.key), m.value);
    else
      unknown(m, keys);
  }
}

void Fields::unknown(const JsonNode::Member& member, Keys keys) {
  std::string hint = reading_.suggestion(member.key, to_strings(keys));
  if (hint.empty()) {
    for (std::string_view key : keys) hint.append(hint.empty() ? "known are " : ", ").append(key);
    hint += "; a key of your own begins with \"x-\"";
  }
  reading_.error("unknown-key", Path(path_, member.key), member.key_span, std::string(what_) + " has no key \"" + member.key + "\"",
                 std::move(hint));
}

JsonNode* Fields::get(std::string_view key) {
  for (JsonNode::Member& m : map_.members) {
    if (m.key == key) return &m.value;
  }
  return nullptr;
}

JsonNode* Fields::require(std::string_view key) {
  JsonNode* value = get(key);
  if (!value && map_.kind == JsonKind::kMap) {
    reading_.error("missing-key", path_, {map_.span.offset, 1}, std::string(what_) + " needs \"" + std::string(key) + "\"");
  }
  return value;
}

JsonNode* Fields::settled(std::string_view key) {
  JsonNode* value = get(key);
  if (!value || value->kind != JsonKind::kString || !reading_.is_open(value->text)) return value;
  reading_.keep_written(Path(path_, key), value->text);
  return nullptr;
}

JsonNode* Fields::get_map(std::string_view key) {
  JsonNode* value = get(key);
  if (!value || value->kind == JsonKind::kMap) return value;
  wrong_type(key, *value, "a map");
  return nullptr;
}

JsonNode* Fields::get_list(std::string_view key) {
  JsonNode* value = get(key);
  if (!value || value->kind == JsonKind::kList) return value;
  wrong_type(key, *value, "a list");
  return nullptr;
}

bool Fields::text(std::string_view key, std::string& out) {
  JsonNode* value = get(key);
  if (!value) return false;
  if (value->kind != JsonKind::kString) {
    wrong_type(key, *value, "a string");
    return false;
  }
  out = value->text;
  return true;
}

bool Fields::required_text(std::string_view key, std::string& out) {
  if (!require(key) || !text(key, out)) return false;
  if (!out.empty()) return true;
  error("out-of-range", key, "\"" + std::string(key) + "\" is empty");
  return false;
}

bool Fields::boolean(std::string_view key, bool& out) {
  JsonNode* value = settled(key);
  if (!value) return false;
  if (value->kind != JsonKind::kBool) {
    wrong_type(key, *value, "true or false");
    return false;
  }
  out = value->boolean;
  return true;
}

bool Fields::boolean(std::string_view key, std::optional<bool>& out) {
  bool value;
  if (!boolean(key, value)) return false;
  out = value;
  return true;
}

bool Fields::number(std::string_view key, double min, double max, double& out) {
  JsonNode* value = settled(key);
  if (!value) return false;
  double read = 0;
  if (value->kind != JsonKind::kNumber) {
    wrong_type(key, *value, "a number");
    return false;
  }
  if (!to_double(value->text, read) || read < min || read > max) {
    auto text_of = [](double d) {
      std::string s = std::to_string(d);
      return s.substr(0, s.find('.'));
    };
    error("out-of-range", key,
          "\"" + std::string(key) + "\" must be from " + text_of(min) + " to " + text_of(max) + ", but is " + value->text);
    return false;
  }
  out = read;
  return true;
}

bool Fields::whole(std::string_view key, uint64_t min, uint64_t max, uint64_t& out) {
  JsonNode* value = settled(key);
  if (!value) return false;
  auto range = [&] { return "a whole number from " + std::to_string(min) + " to " + std::to_string(max); };
  if (value->kind != JsonKind::kNumber) {
    wrong_type(key, *value, range());
    return false;
  }
  uint64_t read = 0;
  if (!to_whole(value->text, read) || read < min || read > max) {
    error("out-of-range", key, "\"" + std::string(key) + "\" must be " + range() + ", but is " + value->text);
    return false;
  }
  out = read;
  return true;
}

bool Fields::choice(std::string_view key, std::initializer_list<std::string_view> choices, size_t& out) {
  JsonNode* value = settled(key);
  if (!value) return false;
  if (value->kind != JsonKind::kString) {
    wrong_type(key, *value, "a string");
    return false;
  }
  const auto found = std::find(choices.begin(), choices.end(), value->text);
  if (found != choices.end()) {
    out = static_cast<size_t>(found - choices.begin());
    return true;
  }
  std::string all;
  for (std::string_view c : choices) all.append(all.empty() ? "\"" : ", \"").append(c).append("\"");
  error("unknown-choice", key, "\"" + std::string(key) + "\" must be one of " + all + ", but is \"" + value->text + "\"",
        reading_.suggestion(value->text, to_strings({choices.begin(), choices.size()})));
  return false;
}

bool Fields::pointer(std::string_view key, std::string& out) {
  std::string read;
  if (!text(key, read)) return false;
  if (!reading_.is_open(read) && !is_json_pointer(read)) {
    error("bad-pointer", key, "\"" + read + "\" is not a JSON Pointer", "it is empty or begins with \"/\", such as \"/account\"");
    return false;
  }
  out = std::move(read);
  return true;
}

Span Fields::span_of(std::string_view key) const {
  const JsonNode* value = map_.find(key);
  return value ? value->span : map_.span;
}

void Fields::error(std::string code, std::string_view key, std::string message, std::string hint) {
  reading_.error(std::move(code), Path(path_, key), span_of(key), std::move(message), std::move(hint));
}

void Fields::wrong_type(std::string_view key, const JsonNode& value, std::string_view expected) {
  error("wrong-type", key,
        "\"" + std::string(key) + "\" must be " + std::string(expected) + ", but this is " + std::string(name_of(value.kind)));
}

std::string_view name_of(JsonKind kind) {
  switch (kind) {
    case JsonKind::kNull:
      return "null";
    case JsonKind::kBool:
      return "a boolean";
    case JsonKind::kNumber:
      return "a number";
    case JsonKind::kString:
      return "a string";
    case JsonKind::kList:
      return "a list";
    case JsonKind::kMap:
      break;
  }
  return "a map";
}

std::vector<std::string> to_strings(Keys keys) { return {keys.begin(), keys.end()}; }

bool is_extension(std::string_view key) { return key.size() > 2 && key.starts_with("x-"); }

bool is_name(std::string_view text) {
  auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  auto more = [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '-'; };
  return !text.empty() && letter(text.front()) && std::all_of(text.begin() + 1, text.end(), more);
}

bool is_json_pointer(std::string_view text) {
  if (!text.empty() && text.front() != '/') return false;
  for (size_t i = text.find('~'); i != std::string_view::npos; i = text.find('~', i + 1)) {
    if (i + 1 == text.size() || (text[i + 1] != '0' && text[i + 1] != '1')) return false;
  }
  return true;
}

bool to_whole(std::string_view number, uint64_t& out) {
  const auto [end, fault] = std::from_chars(number.data(), number.data() + number.size(), out);
  return fault == std::errc() && end == number.data() + number.size();
}

bool to_double(std::string_view number, double& out) {
  const auto [end, fault] = std::from_chars(number.data(), number.data() + number.size(), out);
  return fault == std::errc() && end == number.data() + number.size();
}

Span span_inside(std::string_view source, Span span, size_t offset, size_t length) {
  if (span.offset == Span::kNone || span.length < 2) return span;
  const size_t end = span.offset + span.length - 1;  // of the closing quote
  size_t i = span.offset + 1;
  auto walk = [&](size_t bytes) {
    for (size_t done = 0; done < bytes && i < end;) {
      if (source[i] != '\\') {
        ++i, ++done;
      } else if (source[i + 1] != 'u') {
        i += 2, ++done;
      } else {
        uint32_t code = 0;
        std::from_chars(source.data() + i + 2, source.data() + i + 6, code, 16);
        const bool pair = code >= 0xD800 && code < 0xE000;  // two escapes, one character of four bytes
        i += pair ? 12 : 6;
        done += pair ? 4 : code < 0x80 ? 1 : code < 0x800 ? 2 : 3;
      }
    }
  };
  walk(offset);
  const size_t begin = i;
  walk(length);
  return {begin, i - begin};
}

}  // namespace heddle
