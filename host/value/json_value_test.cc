#include "value/json_value.h"

#include <gtest/gtest.h>

namespace heddle {
namespace {

TEST(JsonValue, BytesThatAreNoUtf8AreReplacedOneByOne) {
  EXPECT_EQ(repaired_utf8("a\xFF\xC3\xA4\xC3"), "a\xEF\xBF\xBD\xC3\xA4\xEF\xBF\xBD");
  EXPECT_EQ(repaired_utf8("\xED\xA0\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD") << "a surrogate";
  EXPECT_EQ(repaired_utf8("\xF0\x9F\x98\x80"), "\xF0\x9F\x98\x80");
  EXPECT_EQ(repaired_utf8("\xC0\xAF"), "\xEF\xBF\xBD\xEF\xBF\xBD") << "an overlong form";
}

TEST(JsonValue, AnyTextBecomesAString) {
  EXPECT_EQ(json_text("a\"b").json(), "\"a\\\"b\"");
  EXPECT_EQ(json_text("x\xFF").json(), "\"x\xEF\xBF\xBD\"");
}

TEST(JsonValue, WhatIsNoJsonIsKeptAsText) {
  EXPECT_EQ(json_or_text("[1, 2]").json(), "[1, 2]");
  EXPECT_EQ(json_or_text("[1, ").json(), "\"[1, \"");
}

TEST(JsonValue, ARepeatedKeyCountsOnce) { EXPECT_EQ(json_object({{"a", json_count(1)}, {"a", json_count(2)}}).json(), "{\"a\":1}"); }

}  // namespace
}  // namespace heddle
