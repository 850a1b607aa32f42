#include <gtest/gtest.h>
#include <heddle/sdk.h>
#include <heddle/sdk/fake_host.h>

HEDDLE_PLUGIN("node_none", "1.0.0", "Apache-2.0", "A plugin without types");

namespace {

using namespace heddle::sdk;

class Values : public testing::Test {
 protected:
  void TearDown() override { EXPECT_EQ(FakeHost::live_values(), 0); }
  FakeHost host_;
};

TEST_F(Values, GettersAnswerOnlyForTheirKind) {
  Value i = Value::integer(7), s = Value::string("seven"), b = Value::boolean(true);
  EXPECT_EQ(i.as_int(), 7);
  EXPECT_EQ(i.as_float(), 7.0);
  EXPECT_EQ(i.as_text(), std::nullopt);
  EXPECT_EQ(s.as_text(), "seven");
  EXPECT_EQ(s.as_int(), std::nullopt);
  EXPECT_EQ(b.as_bool(), true);
  ValueRef none;
  EXPECT_FALSE(none);
  EXPECT_FALSE(none.is_null());
  EXPECT_EQ(none.as_int(), std::nullopt);
  EXPECT_FALSE(none.find("a").at(3).pointer("/x"));
}

TEST_F(Values, MadeContainersShareWhatIsPutIn) {
  Value inner = Value::string("x");
  Value map = Value::map({{"a", inner}, {"b", Value::list({Value::integer(1), inner})}});
  EXPECT_EQ(map.json(), R"({"a":"x","b":[1,"x"]})");
  EXPECT_EQ(map.find("a").get(), inner.get());
  std::string_view key;
  EXPECT_EQ(map.at(1, &key).size(), 2u);
  EXPECT_EQ(key, "b");
}

TEST_F(Values, AFailedMakerTakesNothing) {
  Value v = Value::integer(1);
  std::vector<Value::Entry> twice{{"a", v}, {"a", v}};
  EXPECT_THROW(Value::map(twice), Error);
  EXPECT_EQ(twice[0].value.as_int(), 1);
  EXPECT_THROW(Value::parse("{"), Error);
  EXPECT_THROW(Value::string("\xff"), Error);
  EXPECT_THROW(Value::decimal("1x"), Error);
  EXPECT_THROW(Value::number(HUGE_VAL), Error);
}

TEST_F(Values, BytesComeBackAsTheyWent) {
  std::string data("\0\1\2", 3);
  Value v = Value::bytes(std::as_bytes(std::span(data)));
  auto back = v.as_bytes();
  ASSERT_TRUE(back);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(back->data()), back->size()), data);
  EXPECT_EQ(v.json(), "\"AAEC\"");
}

TEST_F(Values, PointersLeadWhereRfc6901Says) {
  Value doc = Value::parse(R"({"foo":["bar","baz"],"":0,"a/b":1,"m~n":8,"k":{"0":"zero"}})");
  auto at = [&](std::string_view path) { return std::string(doc.pointer(path).json()); };
  EXPECT_EQ(doc.pointer("").get(), doc.get());
  EXPECT_EQ(at("/foo/0"), "\"bar\"");
  EXPECT_EQ(at("/"), "0");
  EXPECT_EQ(at("/a~1b"), "1");
  EXPECT_EQ(at("/m~0n"), "8");
  EXPECT_EQ(at("/k/0"), "\"zero\"");
  for (const char* nowhere : {"/foo/2", "/foo/00", "/foo/-", "/foo/", "/nope", "foo", "/foo/0/x", "/foo/18446744073709551616"}) {
    EXPECT_FALSE(doc.pointer(nowhere)) << nowhere;
  }
}

TEST_F(Values, DescribeNamesWhatCame) {
  auto words = [](std::string_view json) { return describe(Value::parse(json)); };
  EXPECT_EQ(words("\"abc\""), "the text \"abc\"");
  EXPECT_EQ(words("[1,2]"), "a list of 2");
  EXPECT_EQ(words("{}"), "an object");
  EXPECT_EQ(words("1.5"), "the number 1.5");
  EXPECT_EQ(words("null"), "null");
  EXPECT_EQ(describe(ValueRef()), "nothing");
  EXPECT_EQ(words("\"" + std::string(39, 'a') + "äbc\""), "the text \"" + std::string(39, 'a') + "…\"");
}

TEST_F(Values, TheFakeHostReadsJsonStrictly) {
  auto ok = [](std::string_view text) { return fake::JsonReader(text).read().has_value(); };
  for (const char* good : {"1", " [1 , 2.5e3] ", R"("\u00e4\ud83d\ude00\n")", "{\"a\":{}}", "-0", "[]"}) EXPECT_TRUE(ok(good)) << good;
  for (const char* bad :
       {"", "01", "1.", "+1", ".5", "[1,]", "{a:1}", "\"\\x\"", "\"\\ud800\"", "\"a\nb\"", "tru", "1 2", "\xff", "[", "\"\xed\xa0\x80\""}) {
    EXPECT_FALSE(ok(bad)) << bad;
  }
  EXPECT_EQ(Value::parse("\"\\u00e4\\ud83d\\ude00\"").as_text(), "ä😀");
  EXPECT_EQ(Value::parse("12345678901234567890123").kind(), HEDDLE_DECIMAL);
  EXPECT_EQ(Value::parse("0.1").kind(), HEDDLE_FLOAT);
  EXPECT_EQ(Value::parse("1e2").kind(), HEDDLE_FLOAT);
  EXPECT_EQ(Value::parse("0.12345678901234567890123").kind(), HEDDLE_DECIMAL);
  EXPECT_EQ(Value::parse("0.5e-9223372036854775808").kind(), HEDDLE_DECIMAL);  // no exponent is counted beyond its type
}

TEST_F(Values, APluginWithoutTypesLoads) { EXPECT_TRUE(host_.types().empty()); }

}  // namespace
