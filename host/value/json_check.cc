#include "value/json_check.h"

#include <simdjson.h>

#include <array>
#include <cstring>

#include "value/number.h"
#include "value/value.h"

namespace heddle {
namespace {

constexpr size_t kFirstCapacity = size_t{64} << 10;
constexpr size_t kKeptCapacity = size_t{256} << 10;

// May this character follow a number or a literal? Structural characters that are wrong there are found by the walk.
constexpr std::array<bool, 256> kEndsScalar = [] {
  std::array<bool, 256> ends{};
  for (char c : {' ', '\n', '\r', '\t', ',', ']', '}', ':', '[', '{'}) ends[static_cast<unsigned char>(c)] = true;
  return ends;
}();

bool ends_scalar(char c) { return kEndsScalar[static_cast<unsigned char>(c)]; }

// `text` has a '\n' before anything that may not be read, and that matches no literal.
bool is_true(const char* text) { return text[1] == 'r' && text[2] == 'u' && text[3] == 'e' && ends_scalar(text[4]); }
bool is_false(const char* text) { return text[1] == 'a' && text[2] == 'l' && text[3] == 's' && text[4] == 'e' && ends_scalar(text[5]); }
bool is_null(const char* text) { return text[1] == 'u' && text[2] == 'l' && text[3] == 'l' && ends_scalar(text[4]); }

bool is_scalar(const char* text) {
  switch (*text) {
    case '"':
      return true;  // closed, as stage 1 knows
    case 't':
      return is_true(text);
    case 'f':
      return is_false(text);
    case 'n':
      return is_null(text);
    default:
      break;
  }
  const char* end = skip_number(text);
  return end && ends_scalar(*end);
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c |= 0x20;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool is_short_escape(char c) {
  switch (c) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
      return true;
    default:
      return false;
  }
}

// The four hex digits at `p`; negative if they are none.
int32_t hex4(const char* p) {
  int32_t unit = 0;
  for (int i = 0; i < 4; ++i) {
    int digit = hex_value(p[i]);
    if (digit < 0) return -1;
    unit = unit << 4 | digit;
  }
  return unit;
}

}  // namespace

struct JsonStructure::Stage {
  std::unique_ptr<simdjson::internal::dom_parser_implementation> parser;
};

JsonStructure::JsonStructure() : stage_(std::make_unique<Stage>()) {}
JsonStructure::~JsonStructure() = default;

bool JsonStructure::scan(std::string_view text) {
  if (text.size() > kMaxBlock) return false;
  auto& parser = stage_->parser;
  if (!parser || parser->capacity() < text.size()) {
    size_t capacity = parser ? parser->capacity() * 2 : kFirstCapacity;
    if (capacity < text.size()) capacity = text.size();
    if (capacity > kMaxBlock) capacity = kMaxBlock;
    parser.reset();
    if (simdjson::get_active_implementation()->create_dom_parser_implementation(capacity, 1, parser) != simdjson::SUCCESS) return false;
  }
  if (parser->stage1(reinterpret_cast<const uint8_t*>(text.data()), text.size(), simdjson::stage1_mode::regular) != simdjson::SUCCESS)
    return false;
  // Behind the last position stage 1 has put the length of the text, twice: where the '\n' is, which no grammar rule takes.
  next_ = parser->structural_indexes.get();
  text_ = text.data();
  return true;
}

bool JsonStructure::walk(size_t end) {
  const char* text = text_;
  const uint32_t* next = next_;
  char closers[Value::kMaxDepth];
  size_t depth = 0;
  uint32_t at = *next++;
value:
  if (text[at] == '{') {
    // A value that runs past `end` would be found wrong in the end; but lines of open brackets only must not each walk through the rest.
    if (depth == Value::kMaxDepth || at >= end) return false;
    closers[depth++] = '}';
    at = *next++;
    if (text[at] == '}') goto closed;
  key:
    if (text[at] != '"') return false;
    if (text[*next++] != ':') return false;
    at = *next++;
    goto value;
  }
  if (text[at] == '[') {
    if (depth == Value::kMaxDepth || at >= end) return false;
    closers[depth++] = ']';
    at = *next++;
    if (text[at] == ']') goto closed;
    goto value;
  }
  if (!is_scalar(text + at)) return false;
complete:
  if (depth == 0) {
    if (at >= end) return false;
    next_ = next;
    return true;
  }
  at = *next++;
  if (text[at] == ',') {
    at = *next++;
    if (closers[depth - 1] == '}') goto key;
    goto value;
  }
  if (text[at] != closers[depth - 1]) return false;
closed:
  --depth;
  goto complete;
}

void JsonStructure::skip_to(size_t offset) {
  const uint32_t* first = stage_->parser->structural_indexes.get();
  const uint32_t* last = first + stage_->parser->n_structural_indexes;
  while (next_ < last && *next_ < offset) ++next_;
}

void JsonStructure::shrink() {
  if (stage_->parser && stage_->parser->capacity() > kKeptCapacity) stage_->parser.reset();
}

JsonStructure& thread_structure() {
  thread_local JsonStructure structure;
  return structure;
}

bool escapes_are_valid(std::string_view text) {
  const char *p = text.data(), *end = p + text.size();
  while ((p = static_cast<const char*>(std::memchr(p, '\\', static_cast<size_t>(end - p))))) {
    if (p[1] != 'u') {
      if (!is_short_escape(p[1])) return false;
      p += 2;
      continue;
    }
    // A string's closing quote stands before `end` and is no hex digit, so that no read here passes it.
    int32_t unit = hex4(p + 2);
    if (unit < 0 || (unit >= 0xDC00 && unit <= 0xDFFF)) return false;
    p += 6;
    if (unit >= 0xD800 && unit <= 0xDBFF) {
      if (p[0] != '\\' || p[1] != 'u') return false;
      int32_t low = hex4(p + 2);
      if (low < 0xDC00 || low > 0xDFFF) return false;
      p += 6;
    }
  }
  return true;
}

bool is_utf8(std::string_view text) {
  // Most texts are short and ASCII: not worth the way into the library.
  constexpr size_t kShort = 64;
  bool ascii = text.size() <= kShort;
  for (size_t i = 0; ascii && i < text.size(); ++i) ascii = static_cast<unsigned char>(text[i]) < 0x80;
  return ascii || simdjson::validate_utf8(text.data(), text.size());
}

bool is_json(std::string_view text) {
  JsonFault ignored;
  if (text.size() > JsonStructure::kLargeText) return !find_fault(text, &ignored);
  JsonStructure& structure = thread_structure();
  bool ok = structure.scan(text) && structure.walk(text.size()) && structure.next() == text.size() && escapes_are_valid(text);
  structure.shrink();
  return ok;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && is_json_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_json_space(text.back())) text.remove_suffix(1);
  return text;
}

}  // namespace heddle
