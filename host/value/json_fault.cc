// The careful check: one byte after the other, to say what is wrong and where.
#include <cstring>
#include <vector>

#include "value/json_check.h"
#include "value/number.h"
#include "value/value.h"

namespace heddle {
namespace {

// Length of the UTF-8 sequence at `p`, 0 if it is none (truncated, overlong, surrogate, beyond U+10FFFF).
size_t sequence_length(const unsigned char* p, const unsigned char* end) {
  auto tail = [&](ptrdiff_t i) { return p + i < end && (p[i] & 0xC0) == 0x80; };
  if (p[0] < 0x80) return 1;
  if (p[0] >= 0xC2 && p[0] <= 0xDF) return tail(1) ? 2 : 0;
  if (p[0] >= 0xE0 && p[0] <= 0xEF) {
    if (!tail(1) || !tail(2)) return 0;
    if ((p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xED && p[1] > 0x9F)) return 0;
    return 3;
  }
  if (p[0] >= 0xF0 && p[0] <= 0xF4) {
    if (!tail(1) || !tail(2) || !tail(3)) return 0;
    if ((p[0] == 0xF0 && p[1] < 0x90) || (p[0] == 0xF4 && p[1] > 0x8F)) return 0;
    return 4;
  }
  return 0;
}

// ASCII that stands for itself in a string.
bool is_plain(char c) { return c >= 0x20 && c != '"' && c != '\\'; }

class FaultFinder {
 public:
  FaultFinder(std::string_view text, JsonFault* out) : begin_(text.data()), p_(begin_), end_(begin_ + text.size()), out_(out) {}

  // True: a fault was found.
  bool run() {
    skip_space();
    if (p_ == end_) return fault("there is no JSON value");
    // Open containers, by their closing brackets. Each turn of the loop takes one value.
    for (;;) {
      if (!value()) return true;
      if (opened_) continue;
      while (!closers_.empty()) {
        skip_space();
        if (p_ == end_) return unclosed();
        if (*p_ == closers_.back()) {
          ++p_;
          closers_.pop_back();
          continue;
        }
        if (*p_ != ',')
          return fault(closers_.back() == '}' ? "expected ',' or '}' after a member" : "expected ',' or ']' after an element");
        ++p_;
        if (closers_.back() == '}' && !key()) return true;
        break;
      }
      if (!closers_.empty()) continue;
      skip_space();
      return p_ == end_ ? false : fault("expected nothing more after the value");
    }
  }

 private:
  bool fault(std::string what) { return fault_at(p_, std::move(what)); }

  bool fault_at(const char* at, std::string what) {
    auto* byte = reinterpret_cast<const unsigned char*>(at);
    out_->bad_utf8 = at < end_ && sequence_length(byte, reinterpret_cast<const unsigned char*>(end_)) == 0;
    out_->offset = static_cast<size_t>(at - begin_);
    if (out_->bad_utf8) {
      out_->what = "not UTF-8";
    } else if (at < end_ && *at == 0 && what.find("NUL") == what.npos) {
      out_->what = std::move(what) + ", found a NUL byte";
    } else {
      out_->what = std::move(what);
    }
    return true;
  }

  bool unclosed() { return fault(closers_.back() == '}' ? "the text ends inside an object" : "the text ends inside a list"); }

  void skip_space() {
    while (p_ < end_ && is_json_space(*p_)) ++p_;
  }

  // Those below: true if all is well.

  // A scalar, an empty container, or the opening of a container up to its first value: then opened_.
  bool value() {
    opened_ = false;
    skip_space();
    if (p_ == end_) return !(closers_.empty() ? fault("expected a value") : unclosed());
    switch (*p_) {
      case '{':
      case '[':
        return open();
      case '"':
        return string();
      case 't':
        return literal("true");
      case 'f':
        return literal("false");
      case 'n':
        return literal("null");
      default:
        return is_digit(*p_) || *p_ == '-' ? number() : !fault("expected a value");
    }
  }

  bool open() {
    char closer = *p_ == '{' ? '}' : ']';
    if (closers_.size() == Value::kMaxDepth) return !fault("nested deeper than " + std::to_string(Value::kMaxDepth));
    ++p_;
    closers_.push_back(closer);
    skip_space();
    if (p_ < end_ && *p_ == closer) {
      ++p_;
      closers_.pop_back();
      return true;
    }
    opened_ = true;
    return closer == ']' || key();
  }

  bool key() {
    skip_space();
    if (p_ == end_) return !unclosed();
    if (*p_ != '"') return !fault("expected a key in double quotes");
    if (!string()) return false;
    skip_space();
    if (p_ == end_) return !unclosed();
    if (*p_ != ':') return !fault("expected ':' after the key");
    ++p_;
    return true;
  }

  bool literal(std::string_view word) {
    const char* start = p_;
    for (char c : word) {
      if (p_ == end_ || *p_ != c) return !fault_at(p_ == end_ ? p_ : bad_byte(start), "expected a value");
      ++p_;
    }
    return scalar_end("a value");
  }

  // The word that begins at `start` is to blame as a whole, unless it is not even text where it goes wrong.
  const char* bad_byte(const char* start) const {
    auto* byte = reinterpret_cast<const unsigned char*>(p_);
    return sequence_length(byte, reinterpret_cast<const unsigned char*>(end_)) == 0 ? p_ : start;
  }

  bool number() {
    if (*p_ == '-') ++p_;
    if (p_ < end_ && *p_ == '0') {
      ++p_;
      if (p_ < end_ && is_digit(*p_)) return !fault("a number must not begin with a zero");
    } else if (!digits()) {
      return false;
    }
    if (p_ < end_ && *p_ == '.') {
      ++p_;
      if (!digits()) return false;
    }
    if (p_ < end_ && (*p_ == 'e' || *p_ == 'E')) {
      ++p_;
      if (p_ < end_ && (*p_ == '+' || *p_ == '-')) ++p_;
      if (!digits()) return false;
    }
    return scalar_end("a number");
  }

  bool digits() {
    if (p_ == end_ || !is_digit(*p_)) return !fault("expected a digit");
    while (p_ < end_ && is_digit(*p_)) ++p_;
    return true;
  }

  bool scalar_end(const char* what) {
    if (p_ == end_ || is_json_space(*p_) || *p_ == ',' || *p_ == ']' || *p_ == '}' || *p_ == ':') return true;
    return !fault(std::string("expected the end of ") + what);
  }

  bool string() {
    const char* start = p_++;
    for (;;) {
      while (p_ < end_ && is_plain(*p_)) ++p_;
      if (p_ == end_) return !fault_at(start, "this string is not closed");
      auto c = static_cast<unsigned char>(*p_);
      if (c == '"') {
        ++p_;
        return true;
      }
      if (c == '\\') {
        if (!escape()) return false;
      } else if (c < 0x20) {
        if (c == '\n') return !fault_at(start, "this string is not closed on its line");
        return !fault("control characters must be escaped inside a string");
      } else {
        size_t length = sequence_length(reinterpret_cast<const unsigned char*>(p_), reinterpret_cast<const unsigned char*>(end_));
        if (length == 0) return !fault("not UTF-8");
        p_ += length;
      }
    }
  }

  bool escape() {
    const char* start = p_++;
    if (p_ == end_) return !fault_at(start, "the text ends inside a string");
    if (*p_ != 'u') {
      if (*p_ == 0 || !std::strchr("\"\\/bfnrt", *p_)) return !fault_at(start, "there is no such escape");
      ++p_;
      return true;
    }
    ++p_;
    int unit = unit4();
    if (unit >= 0xD800 && unit <= 0xDBFF) {
      if (end_ - p_ < 2 || p_[0] != '\\' || p_[1] != 'u') return !fault_at(start, "this escape is half of a surrogate pair");
      p_ += 2;
      int low = unit4();
      if (low >= 0xDC00 && low <= 0xDFFF) return true;
      return !fault_at(start, "this escape is half of a surrogate pair");
    }
    if (unit >= 0xDC00 && unit <= 0xDFFF) return !fault_at(start, "this escape is half of a surrogate pair");
    return unit >= 0 || !fault_at(start, "expected four hex digits after \\u");
  }

  int unit4() {
    int unit = 0;
    for (int i = 0; i < 4; ++i, ++p_) {
      if (p_ == end_) return -1;
      char lower = static_cast<char>(*p_ | 0x20);
      if (is_digit(*p_)) {
        unit = unit * 16 + (*p_ - '0');
      } else if (lower >= 'a' && lower <= 'f') {
        unit = unit * 16 + (lower - 'a' + 10);
      } else {
        return -1;
      }
    }
    return unit;
  }

  const char *begin_, *p_, *end_;
  JsonFault* out_;
  std::vector<char> closers_;
  bool opened_ = false;
};

}  // namespace

bool find_fault(std::string_view text, JsonFault* out) { return FaultFinder(text, out).run(); }

TextPlace place_of(std::string_view text, size_t offset) {
  TextPlace place;
  size_t line_start = 0;
  for (size_t i = text.find('\n'); i < offset; i = text.find('\n', i + 1)) {
    ++place.line;
    line_start = i + 1;
  }
  for (char c : text.substr(line_start, offset - line_start)) {
    if ((c & 0xC0) != 0x80) ++place.column;
  }
  return place;
}

}  // namespace heddle
