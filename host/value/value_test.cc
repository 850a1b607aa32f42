#include "value/value.h"

#include <gtest/gtest.h>

#include <cmath>

namespace heddle {
namespace {

Value parsed(std::string_view json) { return Value::parse(json).value(); }
Value text(std::string_view utf8) { return Value::string(utf8).value(); }

TEST(Value, EveryKindSaysWhatItIs) {
  struct Case {
    Value value;
    heddle_kind kind;
    const char* json;
    const char* said;
  };
  const Case cases[] = {
      {Value::null(), HEDDLE_NULL, "null", "nothing"},
      {Value::boolean(true), HEDDLE_BOOL, "true", "the boolean true"},
      {Value::integer(-7), HEDDLE_INT, "-7", "the number -7"},
      {Value::number(2.5).value(), HEDDLE_FLOAT, "2.5", "the number 2.5"},
      {text("a\"b\\\n\x01é"), HEDDLE_STRING, "\"a\\\"b\\\\\\n\\u0001é\"", "the text \"a\"b\\\n\x01é\""},
      {Value::bytes("\xFF\x01\x02\x03"), HEDDLE_BYTES, "\"/wECAw==\"", "4 bytes"},
      {Value::list({Value::integer(1), text("x")}), HEDDLE_LIST, "[1,\"x\"]", "a list of 2"},
      {Value::map({{"k\n", Value::null()}}).value(), HEDDLE_MAP, "{\"k\\n\":null}", "an object with 1 member"},
      {Value::list({}), HEDDLE_LIST, "[]", "an empty list"},
      {Value::map({}).value(), HEDDLE_MAP, "{}", "an empty object"},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(c.value.kind(), c.kind) << c.json;
    EXPECT_EQ(c.value.json(), c.json);
    EXPECT_EQ(describe(c.value), c.said);
    EXPECT_TRUE(c.value == c.value);
    // What was written reads back as the same; bytes as their base64.
    EXPECT_EQ(parsed(c.json) == c.value, c.kind != HEDDLE_BYTES) << c.json;
  }
  EXPECT_EQ(describe(Value()), "no value");
  EXPECT_EQ(describe(text(std::string(39, 'a') + "éé")), "the text \"" + std::string(39, 'a') + "…\"");
}

TEST(Value, TextIsKeptAsItWasWritten) {
  std::string json = "{ \"a\" : 1.50 , \"b\":[ 1e3,\"\\u0041\" ]  }";
  EXPECT_EQ(parsed("  " + json + "\r\n").json(), json);
  EXPECT_EQ(parsed(json).find("a").json(), "1.50");
  EXPECT_EQ(parsed(json).find("b").json(), "[ 1e3,\"\\u0041\" ]");
}

TEST(Value, JsonOfAValueIsOneLine) { EXPECT_EQ(parsed("{\n  \"a\": [\n1\n]}").json(), "{   \"a\": [ 1 ]}"); }

TEST(Value, GettersGiveNothingOfAnotherKind) {
  Value list = parsed("[1, 2.5, true, null, \"x\\ty\", 99999999999999999999, {}]");
  ASSERT_EQ(list.size(), 7u);
  EXPECT_EQ(list.at(0).as_int(), 1);
  EXPECT_EQ(list.at(0).as_float(), 1.0);
  EXPECT_EQ(list.at(0).as_text(), std::nullopt);
  EXPECT_EQ(list.at(1).as_int(), std::nullopt);
  EXPECT_EQ(list.at(1).as_float(), 2.5);
  EXPECT_EQ(list.at(2).as_bool(), true);
  EXPECT_EQ(list.at(2).as_float(), std::nullopt);
  EXPECT_TRUE(list.at(3).is_null());
  EXPECT_EQ(list.at(4).as_text(), "x\ty");
  EXPECT_EQ(list.at(4).size(), 3u);
  EXPECT_EQ(list.at(5).kind(), HEDDLE_DECIMAL);
  EXPECT_EQ(list.at(5).as_text(), "99999999999999999999");
  EXPECT_EQ(list.at(6).size(), 0u);
  EXPECT_FALSE(list.at(7));
  EXPECT_FALSE(list.find("x"));
  EXPECT_EQ(list.as_bool(), std::nullopt);
}

TEST(Value, MembersComeInOrderAndTheLastOfRepeatsCounts) {
  Value map = parsed("{\"a\":1,\"\\u0062\":2,\"a\":3,\"c\":{\"x\":[]}}");
  ASSERT_EQ(map.size(), 3u);
  std::string_view key;
  EXPECT_EQ(map.at(0, &key).as_int(), 3);
  EXPECT_EQ(key, "a");
  EXPECT_EQ(map.at(1, &key).as_int(), 2);
  EXPECT_EQ(key, "b");
  EXPECT_EQ(map.at(2, &key).find("x").kind(), HEDDLE_LIST);
  EXPECT_EQ(key, "c");
  EXPECT_FALSE(map.at(3, &key));
  EXPECT_FALSE(map.find("d"));
}

TEST(Value, LargeMapsFindEveryMemberAndMergeRepeats) {
  std::string json = "{";
  std::vector<std::pair<std::string, Value>> members;
  for (int i = 0; i < 1000; ++i) {
    std::string key = "key" + std::to_string(i * 7919 % 1000);
    json += "\"" + key + "\":" + std::to_string(i) + ",";
    members.emplace_back(key, Value::integer(i));
  }
  Value made = Value::map(members).value();
  Value read = parsed(json + "\"key0\":-1,\"key0\":-2}");
  ASSERT_EQ(made.size(), 1000u);
  ASSERT_EQ(read.size(), 1000u);
  for (int i = 0; i < 1000; ++i) {
    const std::string& key = members[i].first;
    std::string_view at_key;
    EXPECT_EQ(made.find(key).as_int(), i);
    EXPECT_EQ(read.find(key).as_int(), key == "key0" ? -2 : i);
    EXPECT_EQ(read.at(i, &at_key).as_int(), key == "key0" ? -2 : i);
    EXPECT_EQ(at_key, key);
  }
  EXPECT_FALSE(made.find("key1000"));
  EXPECT_FALSE(read.find(""));
  members.emplace_back("key5", Value::null());
  EXPECT_EQ(Value::map(members).error().code, "repeated-key");
}

TEST(Value, RefusesWhatItCannotHold) {
  EXPECT_FALSE(Value::number(NAN));
  EXPECT_FALSE(Value::number(-INFINITY));
  EXPECT_FALSE(Value::string("\xFF"));
  EXPECT_EQ(Value::map({{"a", Value::null()}, {"a", Value::null()}}).error().message, "the key \"a\" comes twice");
  EXPECT_FALSE(Value::map({{"\xC3", Value::null()}}));
}

TEST(Value, PointersLeadThroughMapsAndLists) {
  Value v = parsed("{\"a\":{\"b\":[10,{\"c/d\":1,\"~\":2,\"\":3}]},\"\":4}");
  EXPECT_EQ(v.pointer("").kind(), HEDDLE_MAP);
  EXPECT_EQ(v.pointer("/a/b/0").as_int(), 10);
  EXPECT_EQ(v.pointer("/a/b/1/c~1d").as_int(), 1);
  EXPECT_EQ(v.pointer("/a/b/1/~0").as_int(), 2);
  EXPECT_EQ(v.pointer("/a/b/1/").as_int(), 3);
  EXPECT_EQ(v.pointer("/").as_int(), 4);
  for (const char* nowhere : {"a", "/a/b/2", "/a/b/-", "/a/b/00", "/a/b/+1", "/a/b/", "/a/b/1/~2", "/a/b/1/~", "/x", "/a/b/0/x"})
    EXPECT_FALSE(v.pointer(nowhere)) << nowhere;
}

TEST(Value, EqualityLooksAtMeaning) {
  EXPECT_TRUE(parsed("{\"a\":1,\"b\":[true,\"\\u0041\"]}") == parsed("{\"b\":[true,\"A\"],\"a\":1.0}"));
  EXPECT_TRUE(parsed("1e3") == Value::integer(1000));
  EXPECT_TRUE(Value::number(0.1).value() == parsed("0.1"));
  EXPECT_FALSE(parsed("0.1000000000000000055511151231257827") == parsed("0.1"));
  EXPECT_FALSE(parsed("[1,2]") == parsed("[2,1]"));
  EXPECT_FALSE(parsed("{\"a\":1}") == parsed("{\"b\":1}"));
  EXPECT_FALSE(parsed("{\"a\":1}") == parsed("{\"a\":1,\"b\":1}"));
  EXPECT_FALSE(parsed("\"1\"") == parsed("1"));
  EXPECT_FALSE(parsed("null") == parsed("false"));
  EXPECT_TRUE(Value::bytes("abc") == Value::bytes("abc"));
  EXPECT_FALSE(Value::bytes("abc") == Value::bytes("abd"));
  EXPECT_TRUE(Value() == Value());
  EXPECT_FALSE(Value() == Value::null());
}

TEST(Value, WeightGrowsWithContent) {
  Value small = parsed("[1]"), large = parsed("\"" + std::string(10'000, 'x') + "\"");
  EXPECT_LT(small.weight(), 200u);
  EXPECT_GE(large.weight(), 10'000u);
  EXPECT_GE(Value::list({large, large}).weight(), 20'000u);
  EXPECT_GE(Value::bytes(std::string(500, ' ')).weight(), 500u);
  // A list of the same list twice, again and again: the sum has no size any more.
  Value twice = large;
  for (int i = 0; i < 100; ++i) twice = Value::list({twice, twice});
  EXPECT_EQ(twice.weight(), SIZE_MAX);
}

TEST(Value, NestingOfMadeValuesHasNoLimit) {
  constexpr size_t kDepth = 1'000'000;
  auto nest = [] {
    Value v = Value::integer(1);
    for (size_t i = 0; i < kDepth; ++i) v = i % 2 ? Value::list({std::move(v)}) : Value::map({{"k", std::move(v)}}).value();
    return v;
  };
  Value a = nest(), b = nest();
  EXPECT_TRUE(a == b);
  std::string json = a.json();
  EXPECT_EQ(json.size(), kDepth / 2 * 2 + kDepth / 2 * 6 + 1);
  EXPECT_TRUE(json.starts_with("[{\"k\":[{\"k\":"));
  EXPECT_GT(a.weight(), kDepth);
}

TEST(Value, DeepestTextIsReachedToItsBottom) {
  std::string json(Value::kMaxDepth, '[');
  json += std::string(Value::kMaxDepth, ']');
  Value v = parsed(json);
  size_t depth = 1;
  for (Value inner = v.at(0); inner; inner = inner.at(0)) ++depth;
  EXPECT_EQ(depth, Value::kMaxDepth);
}

}  // namespace
}  // namespace heddle
