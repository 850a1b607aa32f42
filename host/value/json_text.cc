#include "value/json_text.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

namespace heddle {
namespace {

// What stands behind the backslash for each byte that must be escaped; 'u' for \u00XX, 0 for all others.
constexpr std::array<char, 256> kEscape = [] {
  std::array<char, 256> table{};
  for (size_t i = 0; i < 0x20; ++i) table[i] = 'u';
  table['\b'] = 'b', table['\f'] = 'f', table['\n'] = 'n', table['\r'] = 'r', table['\t'] = 't';
  table['"'] = '"', table['\\'] = '\\';
  return table;
}();

// True if one of the 8 bytes is a control character, a quote or a backslash.
bool needs_escape(uint64_t bytes) noexcept {
  constexpr uint64_t kOnes = 0x0101010101010101, kHigh = 0x8080808080808080;
  auto has_zero = [](uint64_t v) { return (v - kOnes) & ~v & kHigh; };
  uint64_t control = (bytes - kOnes * 0x20) & ~bytes & kHigh;
  return (control | has_zero(bytes ^ kOnes * '"') | has_zero(bytes ^ kOnes * '\\')) != 0;
}

// The length of the run from `begin` on that needs no escape.
size_t clean_run(const char* begin, const char* end) noexcept {
  const char* p = begin;
  while (end - p >= 8) {
    uint64_t word;
    std::memcpy(&word, p, 8);
    if (needs_escape(word)) break;
    p += 8;
  }
  while (p < end && !kEscape[static_cast<unsigned char>(*p)]) ++p;
  return static_cast<size_t>(p - begin);
}

uint32_t hex4(const char* p) noexcept {
  uint32_t unit = 0;
  for (int i = 0; i < 4; ++i) {
    char c = p[i];
    unit = unit << 4 | static_cast<uint32_t>(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
  }
  return unit;
}

char* write_utf8(char* out, uint32_t code) noexcept {
  if (code < 0x80) {
    *out++ = static_cast<char>(code);
  } else if (code < 0x800) {
    *out++ = static_cast<char>(0xC0 | code >> 6);
    *out++ = static_cast<char>(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    *out++ = static_cast<char>(0xE0 | code >> 12);
    *out++ = static_cast<char>(0x80 | (code >> 6 & 0x3F));
    *out++ = static_cast<char>(0x80 | (code & 0x3F));
  } else {
    *out++ = static_cast<char>(0xF0 | code >> 18);
    *out++ = static_cast<char>(0x80 | (code >> 12 & 0x3F));
    *out++ = static_cast<char>(0x80 | (code >> 6 & 0x3F));
    *out++ = static_cast<char>(0x80 | (code & 0x3F));
  }
  return out;
}

char unescaped(char c) noexcept {
  switch (c) {
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return c;
  }
}

}  // namespace

char* unescape(std::string_view raw, char* out) noexcept {
  const char *p = raw.data(), *end = p + raw.size();
  while (p < end) {
    auto* slash = static_cast<const char*>(std::memchr(p, '\\', static_cast<size_t>(end - p)));
    size_t clean = static_cast<size_t>((slash ? slash : end) - p);
    std::memcpy(out, p, clean);
    out += clean;
    p += clean;
    if (!slash) break;
    if (p[1] != 'u') {
      *out++ = unescaped(p[1]);
      p += 2;
      continue;
    }
    uint32_t code = hex4(p + 2);
    p += 6;
    if (code >= 0xD800 && code <= 0xDBFF) {
      code = 0x10000 + ((code - 0xD800) << 10) + (hex4(p + 2) - 0xDC00);
      p += 6;
    }
    out = write_utf8(out, code);
  }
  return out;
}

void append_quoted(std::string& out, std::string_view text) {
  const char *p = text.data(), *end = p + text.size();
  out.push_back('"');
  for (;;) {
    size_t clean = clean_run(p, end);
    out.append(p, clean);
    p += clean;
    if (p == end) break;
    auto c = static_cast<unsigned char>(*p++);
    char escape[6] = {'\\', kEscape[c], '0', '0', "01"[c >> 4 & 1], "0123456789abcdef"[c & 15]};
    out.append(escape, kEscape[c] == 'u' ? 6 : 2);
  }
  out.push_back('"');
}

void append_key(std::string& out, char before, std::string_view key) {
  // In one piece where it is short, as keys are.
  char piece[64];
  if (key.size() <= sizeof piece - 4 && clean_run(key.data(), key.data() + key.size()) == key.size()) {
    piece[0] = before;
    piece[1] = '"';
    char* end = std::copy(key.begin(), key.end(), piece + 2);
    *end++ = '"';
    *end++ = ':';
    out.append(piece, end);
    return;
  }
  out.push_back(before);
  append_quoted(out, key);
  out.push_back(':');
}

void append_base64(std::string& out, std::string_view bytes) {
  static constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  size_t start = out.size();
  out.resize(start + (bytes.size() + 2) / 3 * 4);
  char* to = out.data() + start;
  auto* p = reinterpret_cast<const unsigned char*>(bytes.data());
  size_t left = bytes.size();
  for (; left >= 3; left -= 3, p += 3) {
    uint32_t three = uint32_t{p[0]} << 16 | uint32_t{p[1]} << 8 | p[2];
    for (int shift = 18; shift >= 0; shift -= 6) *to++ = kDigits[three >> shift & 63];
  }
  if (left == 0) return;
  uint32_t rest = uint32_t{p[0]} << 16 | (left == 2 ? uint32_t{p[1]} << 8 : 0);
  *to++ = kDigits[rest >> 18 & 63];
  *to++ = kDigits[rest >> 12 & 63];
  *to++ = left == 2 ? kDigits[rest >> 6 & 63] : '=';
  *to = '=';
}

}  // namespace heddle
