#include "decimal.h"

#include <heddle/sdk.h>

#include <algorithm>
#include <charconv>

namespace heddle::node_std {
namespace {

[[noreturn]] void too_long() {
  throw sdk::Error(HEDDLE_INVALID, "a number of more than " + std::to_string(Decimal::kMaxDigits) + " digits");
}

// Both of the same length, the most significant digit first.
std::string sum_of(const std::string& a, const std::string& b) {
  std::string sum(a.size() + 1, '0');
  int carry = 0;
  for (size_t i = a.size(); i-- > 0;) {
    int digit = (a[i] - '0') + (b[i] - '0') + carry;
    carry = digit / 10;
    sum[i + 1] = static_cast<char>('0' + digit % 10);
  }
  sum[0] = static_cast<char>('0' + carry);
  return sum;
}

// a ≥ b, of the same length.
std::string difference_of(const std::string& a, const std::string& b) {
  std::string difference(a.size(), '0');
  int borrow = 0;
  for (size_t i = a.size(); i-- > 0;) {
    int digit = a[i] - b[i] - borrow;
    borrow = digit < 0;
    difference[i] = static_cast<char>('0' + digit + 10 * borrow);
  }
  return difference;
}

}  // namespace

void Decimal::normalise() {
  size_t first = digits_.find_first_not_of('0');
  if (first == std::string::npos) {
    *this = Decimal();
    return;
  }
  digits_.erase(0, first);
  size_t last = digits_.find_last_not_of('0');
  exponent_ += static_cast<int64_t>(digits_.size() - last - 1);
  digits_.resize(last + 1);
  if (digits_.size() > kMaxDigits) too_long();
}

Decimal Decimal::parse(std::string_view text) {
  Decimal d;
  size_t i = 0;
  if (text[0] == '-') d.negative_ = true, ++i;
  bool fraction = false;
  for (; i < text.size() && (text[i] | 0x20) != 'e'; ++i) {
    if (text[i] == '.') {
      fraction = true;
    } else {
      d.digits_ += text[i];
      d.exponent_ -= fraction;
    }
  }
  if (i < text.size()) {
    std::string_view exponent = text.substr(i + 1 + (text[i + 1] == '+'));
    int32_t power = 0;
    if (std::from_chars(exponent.data(), exponent.data() + exponent.size(), power).ec != std::errc()) too_long();
    d.exponent_ += power;
  }
  d.normalise();
  return d;
}

Decimal Decimal::operator-() const {
  Decimal d = *this;
  d.negative_ = !negative_ && !digits_.empty();
  return d;
}

Decimal operator+(const Decimal& a, const Decimal& b) {
  if (a.digits_.empty()) return b;
  if (b.digits_.empty()) return a;
  int64_t low = std::min(a.exponent_, b.exponent_);
  auto length = [low](const Decimal& d) { return d.exponent_ - low + static_cast<int64_t>(d.digits_.size()); };
  int64_t width = std::max(length(a), length(b));
  if (width > Decimal::kMaxDigits) too_long();
  auto aligned = [&](const Decimal& d) {
    return std::string(static_cast<size_t>(width - length(d)), '0') + d.digits_ + std::string(static_cast<size_t>(d.exponent_ - low), '0');
  };
  std::string left = aligned(a), right = aligned(b);
  Decimal sum;
  sum.exponent_ = low;
  if (a.negative_ == b.negative_) {
    sum.negative_ = a.negative_;
    sum.digits_ = sum_of(left, right);
  } else {
    bool left_larger = left >= right;
    sum.negative_ = left_larger ? a.negative_ : b.negative_;
    sum.digits_ = left_larger ? difference_of(left, right) : difference_of(right, left);
  }
  sum.normalise();
  return sum;
}

Decimal operator*(const Decimal& a, const Decimal& b) {
  Decimal product;
  product.negative_ = a.negative_ != b.negative_;
  product.exponent_ = a.exponent_ + b.exponent_;
  std::string& digits = product.digits_;
  digits.assign(a.digits_.size() + b.digits_.size(), '\0');
  for (size_t i = a.digits_.size(); i-- > 0;) {
    int carry = 0;
    for (size_t j = b.digits_.size(); j-- > 0;) {
      int digit = digits[i + j + 1] + (a.digits_[i] - '0') * (b.digits_[j] - '0') + carry;
      carry = digit / 10;
      digits[i + j + 1] = static_cast<char>(digit % 10);
    }
    digits[i] = static_cast<char>(carry);
  }
  for (char& c : digits) c = static_cast<char>(c + '0');
  product.normalise();
  return product;
}

std::strong_ordering Decimal::compare(const Decimal& other) const {
  auto sign = [](const Decimal& d) { return d.digits_.empty() ? 0 : d.negative_ ? -1 : 1; };
  if (sign(*this) != sign(other) || digits_.empty()) return sign(*this) <=> sign(other);
  // The place of the first digit decides, then the digits: neither has zeros at its ends, so text order is number order.
  auto top = [](const Decimal& d) { return d.exponent_ + static_cast<int64_t>(d.digits_.size()); };
  std::strong_ordering magnitude = top(*this) != top(other) ? top(*this) <=> top(other) : digits_.compare(other.digits_) <=> 0;
  return negative_ ? 0 <=> magnitude : magnitude;
}

std::string Decimal::text() const {
  if (digits_.empty()) return "0";
  std::string sign = negative_ ? "-" : "";
  auto size = static_cast<int64_t>(digits_.size());
  if (exponent_ > kMaxDigits || exponent_ < -kMaxDigits) return sign + digits_ + "e" + std::to_string(exponent_);
  if (exponent_ >= 0) return sign + digits_ + std::string(static_cast<size_t>(exponent_), '0');
  if (-exponent_ >= size) return sign + "0." + std::string(static_cast<size_t>(-exponent_ - size), '0') + digits_;
  return sign + std::string(digits_).insert(static_cast<size_t>(size + exponent_), ".");
}

}  // namespace heddle::node_std
