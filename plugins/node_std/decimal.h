// Decimal: a number of any size, exact. For what fits neither a 64-bit integer nor a double.
#pragma once
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace heddle::node_std {

// ±digits × 10^exponent; the first and the last digit are not zero, and zero has no digits.
class Decimal {
 public:
  // No more digits than this, in a number or between the first and the last digit of a sum.
  static constexpr int64_t kMaxDigits = 1000;

  // `text` is a JSON number. These throw sdk::Error where kMaxDigits is exceeded.
  static Decimal parse(std::string_view text);
  friend Decimal operator+(const Decimal& a, const Decimal& b);
  friend Decimal operator*(const Decimal& a, const Decimal& b);
  Decimal operator-() const;

  std::strong_ordering compare(const Decimal& other) const;
  std::string text() const;  // a JSON number

 private:
  void normalise();
  std::string digits_;
  int64_t exponent_ = 0;
  bool negative_ = false;
};

}  // namespace heddle::node_std
