#include "comparison.h"

#include <gtest/gtest.h>
#include <heddle/sdk.h>
#include <heddle/sdk/fake_host.h>

#include <map>
#include <random>

#include "program.h"

namespace node_jq {
namespace {

using namespace heddle::sdk;

constexpr std::string_view kVars = R"({"n":2,"s":"b","t":true,"nothing":null,"big":9007199254740993})";

// What a condition says of an input: "true", "false", or the message of its failure.
template <class Condition>
std::string answer(Condition& condition, ValueRef input) {
  try {
    return condition.holds_for(input) ? "true" : "false";
  } catch (const Error& failed) {
    return failed.what();
  }
}

class ComparisonTest : public testing::Test {
 protected:
  FakeHost host_;
  Value vars_ = Value::parse(kVars);
};

TEST_F(ComparisonTest, UnderstandsWhatFiltersMostlyAre) {
  for (const char* text : {".a", ".", ".a.b.c == 1", ".score >= $n", ".region == \"eu\"", ".\"a b\" != null", ".[\"a\"][\"b\"] < -1.5e3",
                           "2 < .a", "(.a == 1) and (.b | not)", ".a==1 or.b==2", ".a | not | not", "true", "$t", " ( ( .a ) ) "})
    EXPECT_TRUE(Comparison::parse(text, vars_)) << text;
}

TEST_F(ComparisonTest, LeavesTheRestToJq) {
  for (const char* text : {"",
                           ".a ==",
                           ".a == .b",
                           ".a[0]",
                           ".a?",
                           ".a == 1 == 2",
                           "..",
                           ".a | length",
                           ".a + 1 == 2",
                           "$missing",
                           "\"\\(.a)\"",
                           ".a.",
                           ".a # comment",
                           "not",
                           ".a |= 1",
                           "1e400 == .a",
                           "(.a == 1) == true",
                           ".a, .b",
                           ".a // 1",
                           "$ENV",
                           "$__loc__",
                           ".a == 1x",
                           ".a==1or.b==2",
                           ".a as $x | $x",
                           ".a.[\"b\"]",
                           "@text \"x\"",
                           "and",
                           ".a and",
                           "(.a",
                           ".a)",
                           "-",
                           ".a | not and .b"})
    EXPECT_FALSE(Comparison::parse(text, vars_)) << text;
}

TEST_F(ComparisonTest, ComparesByExactlyJqsRules) {
  const Value input = Value::parse(R"({"a":{"b":1,"s":"x"},"l":[1],"z":null,"n":9007199254740993})");
  const std::pair<const char*, const char*> cases[] = {{".a.b == 1", "true"},
                                                       {".a.b == 1.0", "true"},
                                                       {".a.c == null", "true"},
                                                       {".a.c.d == null", "true"},
                                                       {".z.q == null", "true"},
                                                       {".l > \"zzz\"", "true"},
                                                       {".a > 5", "true"},
                                                       {"null < false", ""},
                                                       {".z < false", "true"},
                                                       {".a.s < \"y\"", "true"},
                                                       {".a.b < \"\"", "true"},
                                                       {".n == $big", "true"},
                                                       {".n == 9007199254740992", "true"},  // doubles, as in jq
                                                       {".l.x == 1", "jq: Cannot index array with string \"x\""},
                                                       {".a.b.c", "jq: Cannot index number with string \"c\""},
                                                       {".z and .l.x", "false"},
                                                       {".l or .l.x", "true"}};
  for (const auto& [text, expected] : cases) {
    const auto comparison = Comparison::parse(text, vars_);
    if (!*expected) {
      EXPECT_FALSE(comparison) << text;
      continue;
    }
    ASSERT_TRUE(comparison) << text;
    EXPECT_EQ(answer(*comparison, input), expected) << text;
  }
}

// Random programs of the language and of its neighbourhood, random inputs.
class Dice {
 public:
  explicit Dice(unsigned seed) : random_(seed) {}

  std::string program(int depth = 3) {
    if (depth == 0 || roll(3) == 0) return space() + atom() + space();
    switch (roll(5)) {
      case 0:
        return program(depth - 1) + "and" + program(depth - 1);
      case 1:
        return program(depth - 1) + " or " + program(depth - 1);
      case 2:
        return "(" + program(depth - 1) + ")";
      case 3:
        return "(" + program(depth - 1) + "| not)";
      default:
        return program(depth - 1) + "|not ";
    }
  }

  std::string json(int depth = 3) {
    if (depth > 0 && roll(2) == 0) {
      std::string object = "{";
      for (const char* key : {"a", "b", "c d", "and"})
        if (roll(2)) object += (object.size() > 1 ? ",\"" : "\"") + std::string(key) + "\":" + json(depth - 1);
      return object + "}";
    }
    return pick({"null", "true",  "false", "0",           "1",      "2",  "-1",  "2.5", "1e3",  "9007199254740993",    "-0", "0.1",
                 "\"\"", "\"a\"", "\"b\"", "\"\\u00e9\"", "\"ab\"", "[]", "[1]", "{}",  "1e-5", "12345678901234567890"});
  }

 private:
  size_t roll(size_t n) { return random_() % n; }
  std::string pick(std::initializer_list<const char*> from) { return from.begin()[roll(from.size())]; }
  std::string space() { return pick({"", " ", "  ", "\t", "\n", " "}); }
  std::string path() {
    std::string text = pick({".", ".a", ".b", ".and", ".\"c d\"", ".[\"a\"]"});
    for (size_t n = roll(3); text != "." && n > 0; --n) text += pick({".a", ".b", "[\"c d\"]", ".\"c d\"", ".and"});
    return text;
  }
  std::string literal() {
    return pick({"null", "true", "false", "0",     "1",     "2",  "-1", "2.5", "1.",       ".5",   "1e3", "9007199254740992",
                 "0.1",  "\"\"", "\"a\"", "\"b\"", "\"é\"", "$n", "$s", "$t",  "$nothing", "$big", "1E-5"});
  }
  std::string atom() {
    const std::string op = space() + pick({"==", "!=", "<", "<=", ">", ">="}) + space();
    switch (roll(6)) {
      case 0:
        return path();
      case 1:
        return literal() + op + path();
      case 2:
        return literal();
      default:
        return path() + op + literal();
    }
  }

  std::mt19937 random_;
};

TEST_F(ComparisonTest, MeansExactlyWhatJqMeans) {
  constexpr int kPrograms = 60, kInputs = 300;  // libjq takes a tenth of a second to compile one
  Dice dice(20260101);
  int understood = 0;
  for (int p = 0; p < kPrograms; ++p) {
    const std::string text = dice.program();
    const auto comparison = Comparison::parse(text, vars_);
    if (!comparison) continue;
    ++understood;
    Program program("the test's program", text, kVars);
    for (int i = 0; i < kInputs; ++i) {
      const std::string json = dice.json();
      const Value input = Value::parse(json);
      ASSERT_EQ(answer(*comparison, input), answer(program, input)) << "program: " << text << "\ninput: " << json;
    }
  }
  EXPECT_GT(understood, kPrograms / 2);
}

TEST_F(ComparisonTest, DeepNestingIsLeftToJqAndHarmsNobody) {
  EXPECT_FALSE(Comparison::parse(std::string(100'000, '(') + ".a" + std::string(100'000, ')'), vars_));
}

}  // namespace
}  // namespace node_jq
