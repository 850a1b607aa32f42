#include "target.h"

#include <algorithm>
#include <cstdint>

namespace transport_http {
namespace {

int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Null where it is fine, else what is wrong.
const char* decode(std::string_view text, bool plus_is_space, std::string& out) {
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '+' && plus_is_space) {
      c = ' ';
    } else if (c == '%') {
      const int high = i + 2 < text.size() ? hex(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hex(text[i + 2]) : -1;
      if (high < 0 || low < 0) return "a % that two hexadecimal digits do not follow";
      c = static_cast<char>(high << 4 | low);
      i += 2;
    }
    if (c == '\0') return "a NUL";
    out += c;
  }
  return is_utf8(out) ? nullptr : "bytes that are not UTF-8";
}

// Calls fn(part) for each part between separators until it gives an error.
template <class Fn>
const char* each(std::string_view text, char separator, Fn&& fn) {
  for (;;) {
    const size_t at = std::min(text.find(separator), text.size());
    if (const char* wrong = fn(text.substr(0, at))) return wrong;
    if (at == text.size()) return nullptr;
    text.remove_prefix(at + 1);
  }
}

const char* read_query(std::string_view text, Parameters& out) {
  return each(text, '&', [&](std::string_view pair) -> const char* {
    if (pair.empty()) return nullptr;
    const size_t equals = std::min(pair.find('='), pair.size());
    std::string name, value;
    if (const char* wrong = decode(pair.substr(0, equals), true, name)) return wrong;
    if (const char* wrong = decode(pair.substr(std::min(equals + 1, pair.size())), true, value)) return wrong;
    const bool twice = std::any_of(out.begin(), out.end(), [&](const auto& p) { return p.first == name; });
    if (name.empty() || twice) return name.empty() ? "a parameter without a name" : "a parameter twice";
    out.emplace_back(std::move(name), std::move(value));
    return nullptr;
  });
}

}  // namespace

bool is_utf8(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const auto byte = [&](size_t k) { return static_cast<unsigned char>(text[i + k]); };
    const unsigned char lead = byte(0);
    const size_t length = lead < 0x80 ? 1 : lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (length > 1 && (lead < 0xc2 || lead > 0xf4 || text.size() - i < length)) return false;
    uint32_t point = length == 1 ? lead : lead & (0x7fu >> length);
    for (size_t k = 1; k < length; ++k) {
      if ((byte(k) & 0xc0) != 0x80) return false;
      point = point << 6 | (byte(k) & 0x3fu);
    }
    constexpr uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
    if (point < kLeast[length] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) return false;
    i += length;
  }
  return true;
}

TargetOrError parse_target(std::string_view text) {
  const auto bad = [](const std::string& what) { return TargetOrError{std::nullopt, "the request's target has " + what}; };
  if (const size_t scheme = text.find("://"); scheme != text.npos && scheme < text.find_first_of("/?"))
    text.remove_prefix(std::min(text.find('/', scheme + 3), text.size()));
  text = text.substr(0, text.find('#'));
  if (text.empty() || text[0] != '/') return bad("no path");
  const size_t question = std::min(text.find('?'), text.size());
  TargetOrError result{Target(), {}};
  const char* wrong = each(text.substr(1, question - 1), '/', [&](std::string_view segment) {
    return decode(segment, false, result.target->segments.emplace_back());
  });
  if (!wrong && question < text.size()) wrong = read_query(text.substr(question + 1), result.target->query);
  return wrong ? bad(wrong) : std::move(result);
}

}  // namespace transport_http
