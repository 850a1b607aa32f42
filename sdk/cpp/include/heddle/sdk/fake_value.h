// SPDX-License-Identifier: Apache-2.0
//
// The fake host's values: a plain tree, and heddle.value/1 over it. For unit tests; a value is parsed at once, and nothing is fast.
#pragma once
#include <heddle/value.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace heddle::sdk::fake {

struct FakeValue {
  std::atomic<int> references{1};
  heddle_kind kind = HEDDLE_NULL;
  bool boolean = false;
  int64_t integer = 0;
  double number = 0;
  std::string text;                  // STRING, BYTES; of a number: as written
  std::vector<std::string> keys;     // MAP
  std::vector<FakeValue*> children;  // LIST, MAP; one reference each
  std::once_flag json_once;
  std::string json;

  inline static std::atomic<int64_t> alive{0};  // of all fake hosts

  FakeValue() { ++alive; }
  explicit FakeValue(heddle_kind k) : kind(k) { ++alive; }
  FakeValue(const FakeValue&) = delete;
  ~FakeValue() {
    for (FakeValue* child : children) child->release();
    --alive;
  }
  void retain() { references.fetch_add(1, std::memory_order_relaxed); }
  void release() {
    if (references.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }
  void write(std::string& out) const;
};

inline const FakeValue& of(const heddle_value* v) { return *reinterpret_cast<const FakeValue*>(v); }
inline FakeValue* mutable_of(const heddle_value* v) { return reinterpret_cast<FakeValue*>(const_cast<heddle_value*>(v)); }
inline heddle_value* handle(FakeValue* v) { return reinterpret_cast<heddle_value*>(v); }

// Gives its reference back unless it is taken.
struct Owned {
  FakeValue* value = nullptr;
  explicit Owned(FakeValue* v) : value(v) {}
  Owned(Owned&& other) noexcept : value(std::exchange(other.value, nullptr)) {}
  ~Owned() {
    if (value) value->release();
  }
  FakeValue* take() { return std::exchange(value, nullptr); }
  FakeValue* operator->() const { return value; }
};

inline bool is_utf8(std::string_view s) {
  for (size_t i = 0; i < s.size();) {
    auto c = static_cast<unsigned char>(s[i]);
    size_t extra = c < 0x80 ? 0 : c >= 0xC2 && c < 0xE0 ? 1 : c >= 0xE0 && c < 0xF0 ? 2 : c >= 0xF0 && c < 0xF5 ? 3 : 9;
    if (extra == 9 || i + extra >= s.size()) return false;
    uint32_t code = extra == 0 ? c : c & (0x3Fu >> extra);
    for (size_t k = 1; k <= extra; ++k) {
      auto next = static_cast<unsigned char>(s[i + k]);
      if ((next & 0xC0) != 0x80) return false;
      code = code << 6 | (next & 0x3F);
    }
    if ((extra == 2 && (code < 0x800 || (code >= 0xD800 && code < 0xE000))) || (extra == 3 && (code < 0x10000 || code > 0x10FFFF)))
      return false;
    i += extra + 1;
  }
  return true;
}

// "-12.50e3" → "-125e2": sign, digits without zeros around them, exponent. Equal numbers have equal forms.
inline std::string normal_number(std::string_view text) {
  std::string digits;
  long exponent = 0;
  bool fraction = false;
  size_t i = text[0] == '-';
  for (; i < text.size() && text[i] != 'e' && text[i] != 'E'; ++i) {
    if (text[i] == '.') {
      fraction = true;
      continue;
    }
    if (fraction) --exponent;
    if (!digits.empty() || text[i] != '0') digits += text[i];
  }
  if (i < text.size()) {
    constexpr long kMost = 1L << 40;  // beyond it no double has the value, whatever the digits are
    exponent += std::clamp(std::strtol(std::string(text.substr(i + 1)).c_str(), nullptr, 10), -kMost, kMost);
  }
  while (!digits.empty() && digits.back() == '0') digits.pop_back(), ++exponent;
  if (digits.empty()) return "0";
  return (text[0] == '-' ? "-" : "") + digits + "e" + std::to_string(exponent);
}

inline std::string number_text(double d) {
  char room[32];
  std::string text(room, std::to_chars(room, room + sizeof room, d).ptr);
  return text.find_first_of(".e") == text.npos ? text + ".0" : text;
}

// `text` is a JSON number.
inline Owned make_number(std::string_view text) {
  Owned v(new FakeValue(HEDDLE_INT));
  v->text = text;
  v->number = std::strtod(v->text.c_str(), nullptr);
  bool whole = text.find_first_of(".eE") == text.npos;
  if (whole && std::from_chars(text.data(), text.data() + text.size(), v->integer).ec == std::errc()) return v;
  bool exact = std::isfinite(v->number) && normal_number(text) == normal_number(number_text(v->number));
  v->kind = exact ? HEDDLE_FLOAT : HEDDLE_DECIMAL;
  return v;
}

inline void write_string(std::string& out, std::string_view s) {
  out += '"';
  for (char c : s) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      static constexpr char kHex[] = "0123456789abcdef";
      out += "\\u00";
      out += kHex[c >> 4];
      out += kHex[c & 15];
    } else {
      out += c;
    }
  }
  out += '"';
}

inline std::string base64(std::string_view bytes) {
  static constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t three = 0;
    for (size_t k = 0; k < 3; ++k) three = three << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0);
    for (size_t k = 0; k < 4; ++k) out += i + k > bytes.size() ? '=' : kDigits[three >> (18 - 6 * k) & 63];
  }
  return out;
}

inline void FakeValue::write(std::string& out) const {
  switch (kind) {
    case HEDDLE_NULL:
      out += "null";
      return;
    case HEDDLE_BOOL:
      out += boolean ? "true" : "false";
      return;
    case HEDDLE_STRING:
      return write_string(out, text);
    case HEDDLE_BYTES:
      return write_string(out, base64(text));
    case HEDDLE_LIST:
    case HEDDLE_MAP:
      out += kind == HEDDLE_LIST ? '[' : '{';
      for (size_t i = 0; i < children.size(); ++i) {
        if (i) out += ',';
        if (kind == HEDDLE_MAP) {
          write_string(out, keys[i]);
          out += ':';
        }
        children[i]->write(out);
      }
      out += kind == HEDDLE_LIST ? ']' : '}';
      return;
    default:
      out += text;
  }
}

// The text of a STRING or of BYTES, else JSON; "" for none.
inline std::string text_of(const heddle_value* v) {
  if (!v) return {};
  if (of(v).kind == HEDDLE_STRING || of(v).kind == HEDDLE_BYTES) return of(v).text;
  std::string json;
  of(v).write(json);
  return json;
}
inline std::string text_of(heddle_str s) { return s.len ? std::string(s.ptr, s.len) : std::string(); }

}  // namespace heddle::sdk::fake
