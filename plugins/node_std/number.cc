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
  if (auto i = std::get_if<int64_t>(&value_)) return Value::integer(*i);
  if (auto d = std::get_if<double>(&value_)) return Value::number(*d);
  return Value::decimal(text());
}

double Number::as_float() const {
  if (auto i = std::get_if<int64_t>(&value_)) return static_cast<double>(*i);
  if (auto d = std::get_if<double>(&value_)) return *d;
  return *Value::decimal(text()).as_float();
}

std::string Number::text() const {
  if (auto decimal = std::get_if<Decimal>(&value_)) return decimal->text();
  char room[32];
  char* end = std::visit(
      [&](const auto& v) {
        if constexpr (std::is_arithmetic_v<std::decay_t<decltype(v)>>) return std::to_chars(room, room + sizeof room, v).ptr;
        return room;
      },
      value_);
  return {room, end};
}

Decimal Number::as_decimal() const { return is_decimal() ? std::get<Decimal>(value_) : Decimal::parse(text()); }

Number Number::plus(const Number& other) const {
  if (is_decimal() || other.is_decimal()) return Number(as_decimal() + other.as_decimal());
  auto a = std::get_if<int64_t>(&value_), b = std::get_if<int64_t>(&other.value_);
  if (!a || !b) return finite(as_float() + other.as_float(), *this, "+", other);
  int64_t sum;
  if (__builtin_add_overflow(*a, *b, &sum)) does_not_fit(*this, "+", other, "integer");
  return Number(sum);
}

Number Number::minus(const Number& other) const {
  if (is_decimal() || other.is_decimal()) return Number(as_decimal() + -other.as_decimal());
  auto a = std::get_if<int64_t>(&value_), b = std::get_if<int64_t>(&other.value_);
  if (!a || !b) return finite(as_float() - other.as_float(), *this, "-", other);
  int64_t difference;
  if (__builtin_sub_overflow(*a, *b, &difference)) does_not_fit(*this, "-", other, "integer");
  return Number(difference);
}

Number Number::times(const Number& other) const {
  if (is_decimal() || other.is_decimal()) return Number(as_decimal() * other.as_decimal());
  auto a = std::get_if<int64_t>(&value_), b = std::get_if<int64_t>(&other.value_);
  if (!a || !b) return finite(as_float() * other.as_float(), *this, "*", other);
  int64_t product;
  if (__builtin_mul_overflow(*a, *b, &product)) does_not_fit(*this, "*", other, "integer");
  return Number(product);
}

Number Number::divided_by(const Number& other) const {
  if (is_decimal() || other.is_decimal()) {
    throw Error(HEDDLE_INVALID, "cannot divide " + text() + " by " + other.text() + ": one of them is a decimal beyond 64 bits");
  }
  auto a = std::get_if<int64_t>(&value_), b = std::get_if<int64_t>(&other.value_);
  if (b ? *b == 0 : other.as_float() == 0) throw Error(HEDDLE_INVALID, "cannot divide " + text() + " by zero");
  if (!a || !b) return finite(as_float() / other.as_float(), *this, "/", other);
  if (*b == -1) return Number(int64_t{0}).minus(*this);  // the one quotient that can overflow
  return Number(*a / *b);
}

std::strong_ordering Number::compare(const Number& other) const {
  auto a = std::get_if<int64_t>(&value_), b = std::get_if<int64_t>(&other.value_);
  if (a && b) return *a <=> *b;
  auto x = std::get_if<double>(&value_), y = std::get_if<double>(&other.value_);
  if (x && y) return *x < *y ? std::strong_ordering::less : *x > *y ? std::strong_ordering::greater : std::strong_ordering::equal;
  return as_decimal().compare(other.as_decimal());
}

}  // namespace heddle::node_std
