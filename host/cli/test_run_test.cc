#include "cli/test_run.h"

#include <gtest/gtest.h>

namespace heddle {
namespace {

std::vector<Value> items(std::initializer_list<const char*> texts) {
  std::vector<Value> out;
  for (const char* text : texts) out.push_back(Value::parse(text).value());
  return out;
}

using Lines = std::vector<std::string>;

TEST(CompareItems, NumbersAreComparedByValueAndMapsWithoutOrder) {
  EXPECT_EQ(compare_items("n", items({"1.0", R"({"a":1,"b":2})"}), items({"1", R"({"b":2, "a":1})"})), Lines());
}

TEST(CompareItems, ADifferenceShowsBothSides) {
  EXPECT_EQ(compare_items("n", items({"1", "2"}), items({"1", "3"})), (Lines{"- n[1] 2", "+ n[1] 3"}));
}

TEST(CompareItems, MissingAndSurplusItemsAreCounted) {
  EXPECT_EQ(compare_items("n", items({"1"}), {}), (Lines{"n: 1 items expected, 0 came", "- n[0] 1"}));
  EXPECT_EQ(compare_items("n", {}, items({"1"})), (Lines{"n: 0 items expected, 1 came", "+ n[0] 1"}));
}

TEST(CompareItems, OrderMatters) { EXPECT_EQ(compare_items("n", items({"1", "2"}), items({"2", "1"})).size(), 4u); }

TEST(CompareItems, AThousandDifferencesAreCutShort) {
  std::vector<Value> many(1000, Value::integer(1)), others(1000, Value::integer(2));
  EXPECT_LT(compare_items("n", many, others).size(), 30u);
}

}  // namespace
}  // namespace heddle
