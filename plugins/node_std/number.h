// Number: a plain JSON number of any of the three kinds, and arithmetic that is exact or says why it cannot be.
//
// Integers stay integers, and what does not fit 64 bits is an error. With a float the result is a float. With a decimal it is exact (a
// float then counts as the number that it is written as); decimals cannot be divided.
#pragma once
#include <heddle/sdk.h>

#include <compare>
#include <optional>
#include <string>

#include "decimal.h"

namespace heddle::node_std {

class Number {
 public:
  Number() = default;  // 0
  explicit Number(int64_t i) : integer_(i) {}
  explicit Number(double d) : kind_(HEDDLE_FLOAT), float_(d) {}
  explicit Number(Decimal d) : kind_(HEDDLE_DECIMAL), decimal_(std::move(d)) {}
  // Nothing where v is no number.
  static std::optional<Number> of(sdk::ValueRef v);
  // Throws sdk::Error `<who> takes a number, got …`.
  static Number require(sdk::ValueRef v, std::string_view who);

  sdk::Value value() const;
  double as_float() const;
  std::string text() const;

  // All throw sdk::Error where the result does not fit.
  Number plus(const Number& other) const;
  Number minus(const Number& other) const;
  Number times(const Number& other) const;
  Number divided_by(const Number& other) const;  // of two integers: rounded toward zero
  std::strong_ordering compare(const Number& other) const;

 private:
  Decimal as_decimal() const;
  bool both(const Number& other, heddle_kind kind) const { return kind_ == kind && other.kind_ == kind; }
  bool either_decimal(const Number& other) const { return kind_ == HEDDLE_DECIMAL || other.kind_ == HEDDLE_DECIMAL; }

  heddle_kind kind_ = HEDDLE_INT;  // which of these counts: INT, FLOAT or DECIMAL
  int64_t integer_ = 0;
  double float_ = 0;
  Decimal decimal_;
};

}  // namespace heddle::node_std
