#include "value/number.h"

#include <gtest/gtest.h>

#include <charconv>
#include <cmath>
#include <random>

#include "value/value.h"

namespace heddle {
namespace {

heddle_kind kind(std::string_view text) { return Value::parse(text).value().kind(); }

TEST(Number, KindIsTheSmallestThatIsExact) {
  for (const char* text : {"0", "-0", "1", "-1", "9223372036854775807", "-9223372036854775808"}) EXPECT_EQ(kind(text), HEDDLE_INT) << text;
  for (const char* text : {"0.1", "1.50", "1e3", "-2.5", "0e999", "0.0", "1E+2", "10000000000000000000000", "1.7976931348623157e308",
                           "2.2250738585072014e-308", "5e-324", "0.30000000000000004", "123456789012345.6", "1e300"})
    EXPECT_EQ(kind(text), HEDDLE_FLOAT) << text;
  for (const char* text : {"9223372036854775808", "-9223372036854775809", "18446744073709551616", "0.1000000000000000055511151231257827",
                           "1e400", "-1e400", "1e-400", "3.14159265358979323846", "2.5e-324", "1e99999999999999999999999",
                           "115792089237316195423570985008687907853269984665640564039457584007913129639935"})
    EXPECT_EQ(kind(text), HEDDLE_DECIMAL) << text;
}

TEST(Number, EveryDoubleReadsBackAsItself) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 100'000; ++i) {
    double d = std::bit_cast<double>(random());
    if (!std::isfinite(d)) continue;
    std::string text = Value::number(d).value().json();
    Value back = Value::parse(text).value();
    ASSERT_EQ(back.kind(), HEDDLE_FLOAT) << text;
    ASSERT_EQ(back.as_float(), d) << text;
  }
}

TEST(Number, RealsAreWrittenAsPeopleExpect) {
  auto written = [](double d) { return Value::number(d).value().json(); };
  EXPECT_EQ(written(0.1), "0.1");
  EXPECT_EQ(written(10), "10.0");
  EXPECT_EQ(written(-0.0), "-0.0");
  EXPECT_EQ(written(1e5), "100000.0");
  EXPECT_EQ(written(1e22), "1e+22");
  EXPECT_EQ(written(1.5e-7), "1.5e-07");
  EXPECT_EQ(written(1e15), "1000000000000000.0");
}

TEST(Number, NearestDoubleOfAnyNumber) {
  auto real = [](std::string_view text) { return Value::parse(text).value().as_float().value(); };
  EXPECT_EQ(real("3"), 3.0);
  EXPECT_EQ(real("9223372036854775808"), 9223372036854775808.0);
  EXPECT_EQ(real("1e400"), HUGE_VAL);
  EXPECT_EQ(real("-1e400"), -HUGE_VAL);
  EXPECT_EQ(real("1e-400"), 0.0);
  EXPECT_EQ(real("1e-99999999999999999999"), 0.0);
  EXPECT_EQ(real("0.000000001e410"), HUGE_VAL);
}

TEST(Number, SameNumberIsExact) {
  EXPECT_TRUE(same_number("1", "1.0"));
  EXPECT_TRUE(same_number("100", "1e2"));
  EXPECT_TRUE(same_number("0.001", "1e-3"));
  EXPECT_TRUE(same_number("-0", "0.0e7"));
  EXPECT_TRUE(same_number("12.30", "123e-1"));
  EXPECT_TRUE(same_number("1e99999999999999999999", "1e99999999999999999999"));
  EXPECT_FALSE(same_number("1", "-1"));
  EXPECT_FALSE(same_number("0.1", "0.1000000000000000055511151231257827"));
  EXPECT_FALSE(same_number("9007199254740993", "9007199254740992"));
  EXPECT_FALSE(same_number("1e99999999999999999999", "1e99999999999999999998"));
  EXPECT_FALSE(same_number("12", "1.2"));
}

TEST(Number, DecimalMakesTheSmallestKind) {
  EXPECT_EQ(Value::decimal("42").value().as_int(), 42);
  EXPECT_EQ(Value::decimal("1.50").value().as_float(), 1.5);
  Value exact = Value::decimal("3.14159265358979323846").value();
  EXPECT_EQ(exact.kind(), HEDDLE_DECIMAL);
  EXPECT_EQ(exact.as_text(), "3.14159265358979323846");
  EXPECT_EQ(exact.json(), "3.14159265358979323846");
  for (const char* text : {"", "1.", "abc", "1 ", " 1", "0x1", "NaN", "01"}) EXPECT_FALSE(Value::decimal(text)) << text;
  EXPECT_TRUE(Value::decimal(std::string(100, '9')));
  EXPECT_FALSE(Value::decimal(std::string(100, '9') + "x9"));
}

}  // namespace
}  // namespace heddle
