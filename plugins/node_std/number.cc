#include "number.h"

#include <charconv>
#include <cmath>

namespace heddle::node_std {
namespace {

using sdk::Error;
using sdk::Value;
using sdk::ValueRef;

[[noreturn]] void does_not_fit(const Number& a, const char* sign, const Number& b, const char* what) {
  throw Error(HEDDLE_INVALID, "the result of " + a.text() + " " + sign + " " + b.text() + " does not fit a 64-bit " + what);
}

Number finite(double d, const Number& a, const char* sign, const Number& b) {
  if (!std::isfinite(d)) does_not_fit(a, sign, b, "float");
  return Number(d);
}

}  // namespace

std::optional<Number> Number::of(ValueRef v) {
  switch (v.kind()) {
    case HEDDLE_INT:
      return Number(*v.as_int());
    case HEDDLE_FLOAT:
      return Number(*v.as_float());
    case HEDDLE_DECIMAL:
      return Number(Decimal::parse(*v.as_text()));
    default:
      return std::nullopt;
  }
}

Number Number::require(ValueRef v, std::string_view who) {
  if (auto n = of(v)) return *std::move(n);
  throw Error(HEDDLE_INVALID, std::string(who) + " takes a number, got " + sdk::describe(v));
}

Value Number::value() const {
  if (kind_ == HEDDLE_INT) return Value::integer(integer_);
  return kind_ == HEDDLE_FLOAT ? Value::number(float_) : Value::decimal(decimal_.text());
}

double Number::as_float() const {
  if (kind_ == HEDDLE_INT) return static_cast<double>(integer_);
  return kind_ == HEDDLE_FLOAT ? float_ : *Value::decimal(decimal_.text()).as_float();
}

std::string Number::text() const {
  if (kind_ == HEDDLE_DECIMAL) return decimal_.text();
  char room[32];
  auto end = kind_ == HEDDLE_INT ? std::to_chars(room, room + sizeof room, integer_) : std::to_chars(room, room + sizeof room, float_);
  return {room, end.ptr};
}

Decimal Number::as_decimal() const { return kind_ == HEDDLE_DECIMAL ? decimal_ : Decimal::parse(text()); }

Number Number::plus(const Number& other) const {
  if (either_decimal(other)) return Number(as_decimal() + other.as_decimal());
  if (!both(other, HEDDLE_INT)) return finite(as_float() + other.as_float(), *this, "+", other);
  int64_t sum;
  if (__builtin_add_overflow(integer_, other.integer_, &sum)) does_not_fit(*this, "+", other, "integer");
  return Number(sum);
}

Number Number::minus(const Number& other) const {
  if (either_decimal(other)) return Number(as_decimal() + -other.as_decimal());
  if (!both(other, HEDDLE_INT)) return finite(as_float() - other.as_float(), *this, "-", other);
  int64_t difference;
  if (__builtin_sub_overflow(integer_, other.integer_, &difference)) does_not_fit(*this, "-", other, "integer");
  return Number(difference);
}

Number Number::times(const Number& other) const {
  if (either_decimal(other)) return Number(as_decimal() * other.as_decimal());
  if (!both(other, HEDDLE_INT)) return finite(as_float() * other.as_float(), *this, "*", other);
  int64_t product;
  if (__builtin_mul_overflow(integer_, other.integer_, &product)) does_not_fit(*this, "*", other, "integer");
  return Number(product);
}

Number Number::divided_by(const Number& other) const {
  if (either_decimal(other)) {
    throw Error(HEDDLE_INVALID, "cannot divide " + text() + " by " + other.text() + ": one of them is a decimal beyond 64 bits");
  }
  if (other.as_float() == 0) throw Error(HEDDLE_INVALID, "cannot divide " + text() + " by zero");
  if (!both(other, HEDDLE_INT)) return finite(as_float() / other.as_float(), *this, "/", other);
  if (other.integer_ == -1) return Number(int64_t{0}).minus(*this);  // the one quotient that can overflow
  return Number(integer_ / other.integer_);
}

std::strong_ordering Number::compare(const Number& other) const {
  if (both(other, HEDDLE_INT)) return integer_ <=> other.integer_;
  if (!both(other, HEDDLE_FLOAT)) return as_decimal().compare(other.as_decimal());
  return float_ < other.float_   ? std::strong_ordering::less
         : float_ > other.float_ ? std::strong_ordering::greater
                                 : std::strong_ordering::equal;
}

}  // namespace heddle::node_std
