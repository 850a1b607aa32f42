#include "check/made_params.h"

#include <gtest/gtest.h>

namespace heddle {
namespace {

MadeParams of(const std::string& schema) {
  auto made = MadeParams::of(schema);
  EXPECT_TRUE(made) << made.error().text();
  return *std::move(made);
}

std::string plainest(const std::string& schema) {
  const auto params = of(schema).plainest();
  return params ? params->json() : params.error().code;
}

TEST(MadeParams, WhatIsRequiredIsMadeUpAndNothingElse) {
  EXPECT_EQ(plainest(R"({"type":"object","properties":{"a":{"type":"integer"}},"additionalProperties":false})"), "{}");
  EXPECT_EQ(plainest(R"({"type":"object","properties":{"a":{"type":"integer","minimum":7},"b":{"type":"string"}},"required":["a"]})"), R"({"a":7})");
}

TEST(MadeParams, ADefaultAnExampleAChoiceAndASmallestValueAreTaken) {
  const auto one = [](const std::string& schema) { return plainest(R"({"type":"object","properties":{"a":)" + schema + R"(},"required":["a"]})"); };
  EXPECT_EQ(one(R"({"type":"integer","default":3,"minimum":1})"), R"({"a":3})");
  EXPECT_EQ(one(R"({"type":"string","examples":["x/y"]})"), R"({"a":"x/y"})");
  EXPECT_EQ(one(R"({"enum":["sum","mean"]})"), R"({"a":"sum"})");
  EXPECT_EQ(one(R"({"const":5})"), R"({"a":5})");
  EXPECT_EQ(one(R"({"type":"integer","exclusiveMinimum":4})"), R"({"a":5})");
  EXPECT_EQ(one(R"({"type":"integer","maximum":-4})"), R"({"a":-4})");
  EXPECT_EQ(one(R"({"type":"string","minLength":3})"), R"({"a":"aaa"})");
  EXPECT_EQ(one(R"({"type":"array","minItems":2,"items":{"type":"boolean"}})"), R"({"a":[false,false]})");
}

TEST(MadeParams, BranchesAndReferencesAreFollowed) {
  EXPECT_EQ(plainest(R"({"type":"object","properties":{"n":{"type":"integer"},"t":{"type":"string"}},"oneOf":[{"required":["t"]},{"required":["n"]}]})"), R"({"t":"a"})");
  EXPECT_EQ(plainest(R"({"type":"object","definitions":{"port":{"type":"string","const":"in"}},"properties":{"p":{"$ref":"#/definitions/port"}},"required":["p"]})"), R"({"p":"in"})");
}

TEST(MadeParams, WhatCannotBeMadeUpIsSaid) {
  const auto params = of(R"({"type":"object","properties":{"u":{"type":"string","pattern":"^https://"}},"required":["u"]})").plainest();
  ASSERT_FALSE(params);
  EXPECT_EQ(params.error().code, "no-params");
}

TEST(MadeParams, TheSameSeedMakesUpTheSameAndAnotherOneOthers) {
  const MadeParams made = of(R"({"type":"object","properties":{"n":{"type":"number"},"t":{"type":"string"},"l":{"type":"array","items":{"enum":[1,2,3]}}},"required":["n","t","l"]})");
  const auto series = [&](uint64_t seed) {
    std::mt19937_64 random(seed);
    std::string all;
    for (int i = 0; i < 50; ++i) all += made.any(random).json() + "\n";
    return all;
  };
  EXPECT_EQ(series(1), series(1));
  EXPECT_NE(series(1), series(2));
}

TEST(MadeParams, MuchOfWhatIsMadeUpIsValidAndSomeIsNot) {
  const MadeParams made = of(R"({"type":"object","properties":{"n":{"type":"integer","minimum":0,"maximum":9},"t":{"type":"string","maxLength":4}},"required":["n"],"additionalProperties":false})");
  std::mt19937_64 random(1);
  int valid = 0;
  for (int i = 0; i < 200; ++i) valid += made.fault(made.any(random)).empty();
  EXPECT_GT(valid, 50);
  EXPECT_LT(valid, 200);
}

}  // namespace
}  // namespace heddle
