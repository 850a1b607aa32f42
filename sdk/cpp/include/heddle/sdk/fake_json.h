// SPDX-License-Identifier: Apache-2.0
//
// The fake host's JSON reader. Recursive, for the short texts of tests.
#pragma once
#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>

#include "fake_value.h"

namespace heddle::sdk::fake {

// JSON text → value. Strict RFC 8259; nothing where the text is not one JSON value.
class JsonReader {
 public:
  explicit JsonReader(std::string_view text) : text_(text) {}
  std::optional<Owned> read() {
    auto v = value(0);
    space();
    if (!v || at_ != text_.size()) return std::nullopt;
    return v;
  }

 private:
  static constexpr int kMaxDepth = 1024;

  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool accept(std::string_view word) {
    if (text_.substr(at_, word.size()) != word) return false;
    at_ += word.size();
    return true;
  }
  void space() {
    while (at_ < text_.size() && std::string_view(" \t\n\r").find(text_[at_]) != std::string_view::npos) ++at_;
  }
  std::optional<Owned> value(int depth) {
    space();
    if (depth > kMaxDepth) return std::nullopt;
    if (accept("null")) return Owned(new FakeValue(HEDDLE_NULL));
    if (peek() == 't' || peek() == 'f') {
      Owned v(new FakeValue(HEDDLE_BOOL));
      v->boolean = peek() == 't';
      if (!accept(v->boolean ? "true" : "false")) return std::nullopt;
      return v;
    }
    if (peek() == '"') {
      Owned v(new FakeValue(HEDDLE_STRING));
      if (!string(v->text)) return std::nullopt;
      return v;
    }
    if (peek() == '[' || peek() == '{') return container(depth);
    return number();
  }
  std::optional<Owned> container(int depth) {
    bool map = text_[at_++] == '{';
    Owned v(new FakeValue(map ? HEDDLE_MAP : HEDDLE_LIST));
    space();
    if (accept(map ? "}" : "]")) return v;
    do {
      std::string key;
      space();
      if (map && (!string(key) || (space(), !accept(":")))) return std::nullopt;
      auto child = value(depth + 1);
      if (!child) return std::nullopt;
      put(*v.value, map, std::move(key), child->take());
      space();
    } while (accept(","));
    if (!accept(map ? "}" : "]")) return std::nullopt;
    return v;
  }
  static void put(FakeValue& v, bool map, std::string key, FakeValue* child) {
    for (size_t i = 0; map && i < v.keys.size(); ++i) {
      if (v.keys[i] == key) return std::exchange(v.children[i], child)->release();  // the last one counts
    }
    if (map) v.keys.push_back(std::move(key));
    v.children.push_back(child);
  }
  std::optional<Owned> number() {
    size_t begin = at_;
    auto digits = [this] {
      size_t before = at_;
      while (peek() >= '0' && peek() <= '9') ++at_;
      return at_ > before;
    };
    accept("-");
    if (!accept("0") && !digits()) return std::nullopt;
    if (accept(".") && !digits()) return std::nullopt;
    if (accept("e") || accept("E")) {
      if (!accept("+")) accept("-");
      if (!digits()) return std::nullopt;
    }
    return make_number(text_.substr(begin, at_ - begin));
  }
  std::optional<uint32_t> hex4() {
    uint32_t code = 0;
    auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + std::min(at_ + 4, text_.size()), code, 16);
    if (error != std::errc() || end != text_.data() + at_ + 4) return std::nullopt;
    at_ += 4;
    return code;
  }
  static void append_utf8(std::string& out, uint32_t code) {
    if (code < 0x80) {
      out += static_cast<char>(code);
      return;
    }
    int extra = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    out += static_cast<char>((0xF0 << (3 - extra) & 0xFF) | code >> (6 * extra));
    while (extra-- > 0) out += static_cast<char>(0x80 | (code >> (6 * extra) & 0x3F));
  }
  bool escape(std::string& out) {
    static constexpr std::string_view kFrom = "\"\\/bfnrt", kTo = "\"\\/\b\f\n\r\t";
    if (size_t i = kFrom.find(peek()); peek() && i != kFrom.npos) {
      out += kTo[i];
      ++at_;
      return true;
    }
    if (!accept("u")) return false;
    auto code = hex4();
    if (!code || (*code >= 0xDC00 && *code < 0xE000)) return false;
    if (*code >= 0xD800 && *code < 0xDC00) {
      auto low = accept("\\u") ? hex4() : std::nullopt;
      if (!low || *low < 0xDC00 || *low >= 0xE000) return false;
      code = 0x10000 + ((*code - 0xD800) << 10) + (*low - 0xDC00);
    }
    append_utf8(out, *code);
    return true;
  }
  bool string(std::string& out) {
    if (!accept("\"")) return false;
    while (at_ < text_.size() && text_[at_] != '"') {
      if (static_cast<unsigned char>(text_[at_]) < 0x20) return false;
      if (text_[at_] != '\\') {
        out += text_[at_++];
      } else if (++at_; !escape(out)) {
        return false;
      }
    }
    return accept("\"") && is_utf8(out);
  }

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace heddle::sdk::fake
