#include "amount.h"

#include <gtest/gtest.h>

#include "hex.h"
#include "test_values.h"

namespace chain_evm {
namespace {

constexpr char kMost[] = "115792089237316195423570985008687907853269984665640564039457584007913129639935";  // 2^256 - 1

class AmountTest : public testing::Test, protected TestValues {};

TEST_F(AmountTest, DecimalTextsAreReadAndWritten) {
  for (const char* const text : {"0", "1", "10", "18446744073709551616", kMost}) EXPECT_EQ(to_decimal(parse_decimal(text)), text);
  for (const char* const text : {"", "-1", "+1", "01", "00", "1.0", "1e3", " 1", "1 ", "0x1",
                                 "115792089237316195423570985008687907853269984665640564039457584007913129639936",
                                 "1157920892373161954235709850086879078532699846656405640394575840079131296399350"})
    EXPECT_THROW(parse_decimal(text), heddle::sdk::Error) << text;
}

TEST_F(AmountTest, QuantitiesAreReadAndWritten) {
  for (const char* const text : {"0x0", "0x1", "0x41", "0x400", "0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"})
    EXPECT_EQ(to_quantity(parse_quantity(text)), text);
  EXPECT_EQ(parse_quantity("0x0400"), 1024);
  EXPECT_EQ(parse_quantity("0xFf"), 255);
  for (const char* const text :
       {"", "0x", "ff", "0xg", "x1", "0x 1", "0x-1", "0x1ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"})
    EXPECT_THROW(parse_quantity(text), heddle::sdk::Error) << text;
}

TEST_F(AmountTest, BytesHaveTheHighestFirst) {
  EXPECT_EQ(to_bytes(0), "");
  EXPECT_EQ(to_bytes(0x0102), std::string("\x01\x02"));
  EXPECT_EQ(to_word(0x0102), std::string(30, '\0') + "\x01\x02");
  EXPECT_EQ(to_word(parse_decimal(kMost)), std::string(32, '\xff'));
  EXPECT_EQ(amount_of(std::string_view("\0\0\x01\x02", 4)), 0x0102);
  EXPECT_EQ(amount_of(""), 0);
  EXPECT_THROW(amount_of(std::string(33, '\0')), heddle::sdk::Error);
}

TEST_F(AmountTest, EveryWholeNumberIsAnAmountHoweverItIsWritten) {
  const auto read = [](std::string_view text) { return to_decimal(read_amount(json(text))); };
  EXPECT_EQ(read("7"), "7");
  EXPECT_EQ(read("18446744073709551616"), "18446744073709551616");
  EXPECT_EQ(read(kMost), kMost);
  EXPECT_EQ(read("1e18"), "1000000000000000000");
  EXPECT_EQ(read("1.5e3"), "1500");
  EXPECT_EQ(read("1500.00"), "1500");
  EXPECT_EQ(read("150e-1"), "15");
  EXPECT_EQ(read("0e-5"), "0");
  EXPECT_EQ(read("-0"), "0");
  EXPECT_EQ(read("1000000000000000000000"), "1000000000000000000000");  // a FLOAT, for that holds it exactly
  EXPECT_EQ(read("\"1000000000000000000000\""), "1000000000000000000000");
  EXPECT_EQ(read("\"0xde0b6b3a7640000\""), "1000000000000000000");
  for (const char* const text : {"-1", "0.5", "1.5", "15e-1", "1e78", "1e400", "1e999999999", "1e-999999999", "true", "null", "[]", "\"\"",
                                 "\"1.0\"", "\"-1\"", "\"0x\""})
    EXPECT_THROW(read(text), heddle::sdk::Error) << text;
}

TEST_F(AmountTest, ValuesAreIntWhereTheyFit) {
  EXPECT_TRUE(to_value(Amount(INT64_MAX)).is(HEDDLE_INT));
  EXPECT_FALSE(to_value(Amount(INT64_MAX) + 1).is(HEDDLE_INT));
  EXPECT_EQ(read_amount(to_value(Amount(INT64_MAX) + 1)), Amount(INT64_MAX) + 1);
  EXPECT_TRUE(to_value(parse_decimal(kMost)).is(HEDDLE_DECIMAL));
  EXPECT_EQ(json_of(to_value(parse_decimal(kMost))), kMost);
  EXPECT_EQ(json_of(to_value(Whole{true, 5})), "-5");
  const Whole lowest = read_whole(json("-9223372036854775809"));
  EXPECT_TRUE(lowest.negative);
  EXPECT_EQ(json_of(to_value(lowest)), "-9223372036854775809");
  EXPECT_FALSE(read_whole(json("\"-0\"")).negative);
}

}  // namespace
}  // namespace chain_evm
