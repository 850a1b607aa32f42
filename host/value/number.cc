#include "value/number.h"

#include <charconv>
#include <cmath>
#include <cstring>
#include <string>

#include "value/object.h"

namespace heddle {
namespace {

constexpr int64_t kMaxExponent = 100'000'000'000'000'000;

// A number as ±0.d1d2…dn × 10^exponent, d1 and dn not zero. The digits stand in `source`, which may have a point among them.
struct Decimal {
  bool negative = false;
  std::string_view source;  // from d1 to dn
  size_t digits = 0;        // 0: the number is zero
  int64_t exponent = 0;
  bool beyond = false;  // the exponent is too large to count

  explicit Decimal(std::string_view text) noexcept;
};

Decimal::Decimal(std::string_view text) noexcept {
  const char *p = text.data(), *end = p + text.size();
  if (*p == '-') negative = true, ++p;
  const char *first = nullptr, *last = nullptr, *point = nullptr;
  for (; p < end && (is_digit(*p) || *p == '.'); ++p) {
    if (*p == '.') {
      point = p;
    } else if (*p != '0') {
      if (!first) first = p;
      last = p;
    }
  }
  if (!first) return;
  source = {first, static_cast<size_t>(last + 1 - first)};
  digits = source.size() - (point && point > first && point < last ? 1 : 0);
  if (!point) point = p;
  exponent = first < point ? point - first : -(first - point - 1);
  if (p == end) return;
  ++p;  // 'e'
  bool minus = *p == '-';
  if (*p == '-' || *p == '+') ++p;
  int64_t power = 0;
  for (; p < end; ++p) {
    power = power * 10 + (*p - '0');
    if (power > kMaxExponent) {
      beyond = true;
      return;
    }
  }
  exponent += minus ? -power : power;
}

bool same_digits(const Decimal& a, const Decimal& b) noexcept {
  if (a.digits != b.digits) return false;
  const char *p = a.source.data(), *q = b.source.data();
  for (size_t i = 0; i < a.digits; ++i, ++p, ++q) {
    if (*p == '.') ++p;
    if (*q == '.') ++q;
    if (*p != *q) return false;
  }
  return true;
}

bool same_decimal(const Decimal& a, const Decimal& b) noexcept {
  if (a.digits == 0 || b.digits == 0) return a.digits == b.digits;
  return !a.beyond && !b.beyond && a.negative == b.negative && a.exponent == b.exponent && same_digits(a, b);
}

// Any decimal of so many digits in this range survives the way to a double and back (DBL_DIG; away from the subnormals and the limit).
constexpr size_t kSafeDigits = 15;
constexpr int64_t kSafeExponent = 290;

bool survives_as_double(std::string_view text) noexcept {
  Decimal exact(text);
  if (exact.digits == 0) return true;
  if (exact.beyond) return false;
  if (exact.digits <= kSafeDigits && exact.exponent > -kSafeExponent && exact.exponent < kSafeExponent) return true;
  double d = real_of_text(text);
  if (!std::isfinite(d) || d == 0) return false;
  char shortest[kNumberRoom];
  return same_decimal(exact, Decimal({shortest, static_cast<size_t>(write_real(shortest, d) - shortest)}));
}

}  // namespace

bool is_number(std::string_view text) noexcept {
  if (text.empty() || !is_digit(text.back())) return false;
  // All but the last digit, then the last one: the copy is what gives skip_number its byte behind.
  char small[64];
  if (text.size() < sizeof small) {
    std::memcpy(small, text.data(), text.size());
    small[text.size()] = '\n';
    return skip_number(small) == small + text.size();
  }
  std::string copy(text);
  return skip_number(copy.c_str()) == copy.c_str() + copy.size();
}

heddle_kind number_kind(std::string_view text) noexcept {
  bool whole = text.find_first_of(".eE") == text.npos;
  if (!whole) return survives_as_double(text) ? HEDDLE_FLOAT : HEDDLE_DECIMAL;
  if (text.size() <= 18) return HEDDLE_INT;
  int64_t i;
  if (std::from_chars(text.data(), text.data() + text.size(), i).ec == std::errc()) return HEDDLE_INT;
  return survives_as_double(text) ? HEDDLE_FLOAT : HEDDLE_DECIMAL;
}

int64_t integer_of_text(std::string_view text) noexcept {
  int64_t i = 0;
  std::from_chars(text.data(), text.data() + text.size(), i);
  return i;
}

double real_of_text(std::string_view text) noexcept {
  double d = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), d);
  if (error == std::errc()) return d;
  // Out of range, and `d` untouched: the exponent of the number tells on which side.
  Decimal exact(text);
  bool minus_power = exact.beyond ? text[text.find_first_of("eE") + 1] == '-' : exact.exponent < 0;
  double magnitude = minus_power ? 0.0 : HUGE_VAL;
  return exact.negative ? -magnitude : magnitude;
}

char* write_integer(char* out, int64_t i) noexcept { return std::to_chars(out, out + kNumberRoom, i).ptr; }

char* write_real(char* out, double d) noexcept {
  double size = std::fabs(d);
  // Between these, digits alone are what people expect; beyond, an exponent.
  bool plain = size == 0 || (size >= 1e-5 && size < 1e16);
  char* end = std::to_chars(out, out + kNumberRoom, d, plain ? std::chars_format::fixed : std::chars_format::scientific).ptr;
  if (plain && !std::memchr(out, '.', static_cast<size_t>(end - out))) {
    *end++ = '.';
    *end++ = '0';
  }
  return end;
}

bool same_number(std::string_view a, std::string_view b) noexcept { return a == b || same_decimal(Decimal(a), Decimal(b)); }

}  // namespace heddle
