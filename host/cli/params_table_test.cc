#include "cli/params_table.h"

#include <gtest/gtest.h>

namespace heddle {
namespace {

std::vector<ParamRow> rows_of(const char* schema) { return params_table(Value::parse(schema).value()); }

TEST(ParamsTable, SaysTypeLimitsDefaultAndMeaning) {
  auto rows = rows_of(R"({"type":"object","properties":{
      "multiplier":{"type":"number","description":"factor"},
      "share":{"type":"number","minimum":0,"maximum":1,"default":0.5},
      "mode":{"enum":["fast","slow"],"default":"fast"},
      "n":{"type":["integer","null"],"exclusiveMinimum":0}},"required":["multiplier"]})");
  ASSERT_EQ(rows.size(), 4u);
  EXPECT_EQ(rows[0].name, "multiplier");
  EXPECT_EQ(rows[0].fallback, "required");
  EXPECT_EQ(rows[0].meaning, "factor");
  EXPECT_EQ(rows[1].limits, "0 to 1");
  EXPECT_EQ(rows[1].fallback, "0.5");
  EXPECT_EQ(rows[2].type, "one of \"fast\", \"slow\"");
  EXPECT_EQ(rows[3].type, "integer or null");
  EXPECT_EQ(rows[3].limits, "more than 0");
}

TEST(ParamsTable, NestedParamsFollowTheirOwner) {
  auto rows =
      rows_of(R"({"properties":{"cases":{"type":"array","minItems":1,"items":{"type":"object","properties":{"port":{"type":"string"}}}},
      "retry":{"type":"object","properties":{"max":{"type":"integer"}}}}})");
  ASSERT_EQ(rows.size(), 4u);
  EXPECT_EQ(rows[0].limits, "at least 1 elements");
  EXPECT_EQ(rows[1].name, "cases[].port");
  EXPECT_EQ(rows[3].name, "retry.max");
}

TEST(ParamsTable, ASchemaWithoutPropertiesHasNoRows) {
  EXPECT_TRUE(rows_of("{}").empty());
  EXPECT_TRUE(rows_of("true").empty());
}

}  // namespace
}  // namespace heddle
