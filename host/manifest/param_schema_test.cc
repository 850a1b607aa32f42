#include "manifest/param_schema.h"

#include <gtest/gtest.h>

#include "log.h"
#include "manifest/schema_form.h"

namespace heddle {
namespace {

// The diagnostics of one check of `params` against `schema`; the text of a span is what it marks.
class Checked {
 public:
  Checked(const std::string& schema, std::string params) : text_(std::move(params)), diagnostics_("m.json", text_) {
    Result<ParamSchema> compiled = ParamSchema::compile(schema);
    if (!compiled) {
      ADD_FAILURE() << compiled.error().text();
      return;
    }
    JsonNode root;
    EXPECT_TRUE(parse_document(text_, root, diagnostics_)) << diagnostics_.text(false);
    compiled.value().check(root, "/nodes/0/params", "node \"x\" (T)", diagnostics_);
  }

  size_t size() const { return diagnostics_.all().size(); }
  const Diagnostic& operator[](size_t i) const { return diagnostics_.all().at(i); }
  std::string marked(size_t i) const { return text_.substr((*this)[i].span.offset, (*this)[i].span.length); }

  // The only message, without the owner.
  std::string message() const {
    if (size() != 1) return std::to_string(size()) + " diagnostics\n" + diagnostics_.text(false);
    EXPECT_EQ((*this)[0].code, "bad-param");
    EXPECT_EQ((*this)[0].severity, Severity::kError);
    const std::string owner = "node \"x\" (T): ";
    EXPECT_EQ((*this)[0].message.substr(0, owner.size()), owner);
    return (*this)[0].message.substr(owner.size());
  }

 private:
  std::string text_;
  Diagnostics diagnostics_;
};

constexpr const char* kMultiply =
    R"({"type": "object", "properties": {"multiplier": {"type": "number"}}, "required": ["multiplier"], "additionalProperties": false})";

constexpr const char* kRoute = R"({
  "type": "object", "additionalProperties": false, "required": ["cases"],
  "properties": {
    "cases": {"type": "array", "minItems": 1, "items": {
      "type": "object", "additionalProperties": false, "required": ["port"],
      "properties": {"port": {"type": "string", "pattern": "^[a-z_]+$"}, "when": {"type": "string", "minLength": 1}}}},
    "default": {"type": "string"}}})";

TEST(ParamSchema, AcceptsWhatTheSchemaAllows) {
  EXPECT_EQ(Checked(kMultiply, R"({"multiplier": 2})").size(), 0u);
  EXPECT_EQ(Checked(kMultiply, R"({"multiplier": 2.5e3})").size(), 0u);
  EXPECT_EQ(Checked(kMultiply, R"({"multiplier": 1e-999})").size(), 0u);
  EXPECT_EQ(Checked(kRoute, R"({"cases": [{"port": "eu", "when": ".a"}], "default": "rest"})").size(), 0u);
}

TEST(ParamSchema, NamesTheWrongTypeAtItsValue) {
  Checked c(kMultiply, R"({"multiplier": "two"})");
  EXPECT_EQ(c.message(), R"("multiplier" must be a number, not the text "two")");
  EXPECT_EQ(c[0].pointer, "/nodes/0/params/multiplier");
  EXPECT_EQ(c.marked(0), R"("two")");
}

TEST(ParamSchema, SuggestsTheParamThatWasMeantAndNamesTheMissingOne) {
  Checked c(kMultiply, R"({"multiplyer": 2})");
  ASSERT_EQ(c.size(), 2u);
  EXPECT_EQ(c[0].message, R"(node "x" (T): required param "multiplier" is missing)");
  EXPECT_EQ(c[0].pointer, "/nodes/0/params");
  EXPECT_EQ(c[1].message, R"(node "x" (T): unknown param "multiplyer")");
  EXPECT_EQ(c[1].hint, R"(did you mean "multiplier"?)");
  EXPECT_EQ(c[1].pointer, "/nodes/0/params/multiplyer");
  EXPECT_EQ(c.marked(1), R"("multiplyer")");
}

TEST(ParamSchema, ListsTheKnownParamsWhenNoneIsNear) {
  EXPECT_EQ(Checked(kMultiply, R"({"multiplier": 1, "zzz": 2})")[0].hint, R"(known: "multiplier")");
  EXPECT_EQ(Checked(R"({"type": "object", "additionalProperties": false})", R"({"zzz": 2})")[0].hint, "it takes no params");
}

TEST(ParamSchema, ReportsEveryViolationOfNestedParams) {
  Checked c(kRoute, R"({"cases": [{"port": "EU"}, {"when": ""}, {"port": "a", "prot": 1}], "default": null})");
  ASSERT_EQ(c.size(), 5u);
  EXPECT_EQ(c[0].message, R"(node "x" (T): "cases[0].port" must match the pattern ^[a-z_]+$, which the text "EU" does not)");
  EXPECT_EQ(c[1].message, R"(node "x" (T): required key "port" is missing in "cases[1]")");
  EXPECT_EQ(c[2].message, R"(node "x" (T): "cases[1].when" must not be empty)");
  EXPECT_EQ(c[3].message, R"(node "x" (T): unknown key "prot" in "cases[2]")");
  EXPECT_EQ(c[3].pointer, "/nodes/0/params/cases/2/prot");
  EXPECT_EQ(c[4].message, R"(node "x" (T): "default" must be a text, not null)");
}

struct Case {
  const char* property;  // the schema of "p"
  const char* value;
  const char* message;
};

class OneParam : public testing::TestWithParam<Case> {};

TEST_P(OneParam, IsExplained) {
  const std::string schema =
      std::string(R"({"definitions": {"port": {"type": "integer", "maximum": 65535}}, "properties": {"p": )") + GetParam().property + "}}";
  EXPECT_EQ(Checked(schema, std::string("{\"p\": ") + GetParam().value + "}").message(), GetParam().message);
}

INSTANTIATE_TEST_SUITE_P(
    ParamSchema, OneParam,
    testing::Values(
        Case{R"({"type": "integer"})", "2.5", R"("p" must be a whole number, not 2.5)"},
        Case{R"({"type": "integer"})", "99999999999999999999", R"("p" must be a whole number of 64 bits, not 99999999999999999999)"},
        Case{R"({"type": ["string", "null"]})", "[]", R"("p" must be a text or null, not an empty list)"},
        Case{R"({"type": "boolean"})", R"({"a": 1})", R"("p" must be true or false, not a map)"},
        Case{R"({"minimum": 0, "maximum": 1})", "1.5", R"("p" must be at most 1, but is 1.5)"},
        Case{R"({"minimum": 0})", "-0.1", R"("p" must be at least 0, but is -0.1)"},
        Case{R"({"exclusiveMinimum": 0})", "0", R"("p" must be more than 0, but is 0)"},
        Case{R"({"exclusiveMaximum": 1})", "1.0", R"("p" must be less than 1, but is 1.0)"},
        Case{R"({"maximum": 9223372036854775807})", "18446744073709551615",
             R"("p" must be at most 9223372036854775807, but is 18446744073709551615)"},
        Case{R"({"multipleOf": 5})", "7", R"("p" must be a multiple of 5, but is 7)"},
        Case{R"({"enum": ["count", "sum", "mean"]})", R"("maen")", R"("p" must be one of "count", "sum" or "mean", not the text "maen")"},
        Case{R"({"enum": ["a", 1]})", "2", R"("p" must be "a" or 1, not 2)"},
        Case{R"({"const": true})", "false", R"("p" must be true, not false)"},
        Case{R"({"minLength": 3})", R"("äö")", R"("p" must have at least 3 characters, but has 2)"},
        Case{R"({"maxLength": 1})", R"("äö")", R"("p" must have at most 1 character, but has 2)"},
        Case{R"({"minItems": 1})", "[]", R"("p" must not be empty)"},
        Case{R"({"maxItems": 1})", "[1, 2]", R"("p" must have at most 1 element, but has 2)"},
        Case{R"({"uniqueItems": true})", "[1, 2, 1.0]", R"("p[2]" is the same as element 0: the elements must differ)"},
        Case{R"({"items": [{"type": "string"}], "additionalItems": {"type": "number"}})", R"(["a", "b"])",
             R"("p[1]" must be a number, not the text "b")"},
        Case{R"({"items": [{}], "additionalItems": false})", "[1, 2]", R"("p[1]" is not allowed here)"},
        Case{R"({"minProperties": 2})", R"({"a": 1})", R"("p" must have at least 2 keys, but has 1)"},
        Case{R"({"additionalProperties": {"type": "string"}})", R"({"a/b": 1})", R"("p.a/b" must be a text, not 1)"},
        Case{R"({"patternProperties": {"^x-": {"type": "number"}}, "additionalProperties": false})", R"({"x-a": true})",
             R"("p.x-a" must be a number, not true)"},
        Case{R"({"dependencies": {"a": ["b"]}})", R"({"a": 1})", R"(required key "b" is missing in "p": "a" needs it)"},
        Case{R"({"$ref": "#/definitions/port"})", "70000", R"("p" must be at most 65535, but is 70000)"},
        Case{R"({"anyOf": [{"type": "number"}, {"type": "array", "items": {"type": "number"}}]})", R"("a")",
             R"("p" must be a number or a list, not the text "a")"},
        Case{R"({"oneOf": [{"type": "number"}, {"type": "array", "items": {"type": "number"}}]})", R"(["a"])",
             R"("p[0]" must be a number, not the text "a")"},
        Case{R"({"oneOf": [{"minimum": 1}, {"maximum": 5}]})", "3",
             R"("p" fits more than one of the forms it may have: exactly one must fit)"},
        Case{R"({"if": {"type": "string"}, "then": {"minLength": 1}, "else": {"minimum": 1}})", "0", R"("p" must be at least 1, but is 0)"},
        Case{R"({"allOf": [{"minimum": 1}, {"minimum": 1}]})", "0", R"("p" must be at least 1, but is 0)"},
        Case{"false", "0", R"("p" is not allowed here)"},
        Case{R"({"not": {"type": "null"}})", "null", R"(the param at "/p" is not what its schema asks for: null)"},
        Case{R"({"type": "array", "items": {"not": {"const": 2}}})", "[1, 2]", R"(the param at "/p/1" is not what its schema asks for: 2)"},
        Case{R"({"contains": {"const": 1}})", "[2]", R"(the param at "/p" is not what its schema asks for: a list)"}));

TEST(ParamSchema, KnowsWhetherNoParamsWillDo) {
  EXPECT_FALSE(ParamSchema::compile(kMultiply).value().accepts_empty());
  EXPECT_TRUE(ParamSchema::compile(R"({"type": "object"})").value().accepts_empty());
  EXPECT_TRUE(ParamSchema::compile("true").value().accepts_empty());
  EXPECT_FALSE(ParamSchema::compile("false").value().accepts_empty());
  EXPECT_EQ(Checked(kMultiply, "{}").message(), R"(required param "multiplier" is missing)");
}

TEST(ParamSchema, FollowsASchemaThatContainsItself) {
  const std::string tree =
      R"({"type": "object", "additionalProperties": false, "properties": {"children": {"type": "array", "items": {"$ref": "#"}}}})";
  EXPECT_EQ(Checked(tree, R"({"children": [{"children": []}]})").size(), 0u);
  EXPECT_EQ(Checked(tree, R"({"children": [{"children": [{"x": 1}]}]})").message(), R"(unknown key "x" in "children[0].children[0]")");
}

TEST(ParamSchema, TreatsFormatAsAnAnnotation) {
  EXPECT_EQ(Checked(R"({"properties": {"p": {"format": "date"}}})", R"({"p": ["x"]})").size(), 0u);
}

TEST(ParamSchema, KeepsPropertiesThatAreNamedLikeKeywords) {
  const std::string schema =
      R"({"properties": {"pattern": {"type": "string"}, "format": {"type": "string"}, "$ref": {"type": "number"}}, "additionalProperties": false})";
  EXPECT_EQ(Checked(schema, R"({"pattern": "(", "format": "csv", "$ref": 1})").size(), 0u);
  EXPECT_EQ(Checked(schema, R"({"pattern": 1})").message(), R"("pattern" must be a text, not 1)");
}

TEST(ParamSchema, RefusesATextThatIsTooLongForAPattern) {
  const std::string schema = R"({"properties": {"p": {"pattern": "^(a|b)*$"}, "free": {"type": "string"}}})";
  const std::string longest(1 << 20, 'a');
  EXPECT_EQ(Checked(schema, R"({"free": ")" + longest + "\"}").size(), 0u);
  EXPECT_EQ(Checked(schema, R"({"p": ")" + std::string(4096, 'a') + "\"}").size(), 0u);
  EXPECT_EQ(Checked(schema, R"({"p": ")" + longest + "\"}").message(), R"("p" is too long: a text with a pattern may have 4096 bytes)");
  EXPECT_EQ(Checked(R"({"patternProperties": {"^(a|b)*$": {}}})", "{\"" + longest + "\": 1}").message(), "a key is longer than 4096 bytes");
}

// A matcher that goes back would try 2^60 ways.
TEST(ParamSchema, APatternTakesNoLongerThanItsTextIsLong) {
  const std::string schema = R"({"properties":{"a":{"pattern":"^(a+)+$"},"b":{"pattern":"^(a|aa)*(?=b)[ab]{1,3}$"}}})";
  const std::string many(60, 'a');
  EXPECT_EQ(Checked(schema, R"({"a":")" + many + R"(","b":")" + many + "b\"}").size(), 0u);
  EXPECT_EQ(Checked(schema, R"({"a":")" + many + "!\"}").size(), 1u);
  EXPECT_EQ(Checked(schema, R"({"b":")" + many + "!\"}").size(), 1u);
  const std::string twice = R"({"properties":{"a":{"pattern":"^(a+)b\\1$"}}})";  // has to go back
  EXPECT_EQ(Checked(twice, R"({"a":"aabaa"})").size(), 0u);
  EXPECT_EQ(Checked(twice, R"({"a":"aaba"})").size(), 1u);
}

// Each level has the one below it looked at twice.
TEST(ParamSchema, GivesUpACheckThatTakesTooManySteps) {
  const std::string schema = R"({"allOf":[{"properties":{"a":{"$ref":"#"}}},{"properties":{"a":{"$ref":"#"}}}]})";
  const auto nested = [](int depth) {
    std::string text = "1";
    for (int i = 0; i < depth; ++i) text = "{\"a\":" + text + "}";
    return text;
  };
  EXPECT_EQ(Checked(schema, nested(10)).size(), 0u);
  EXPECT_EQ(Checked(schema, nested(50)).message(), "to check its params by its schema takes more than 1000000 steps");
}

TEST(ParamSchema, ShowsNoPartOfASecret) {
  const std::string secret = "s3cret-" + std::string(200, 'k');
  log::redact(secret);
  EXPECT_EQ(Checked(kMultiply, R"({"multiplier": ")" + secret + "\"}").message(), R"("multiplier" must be a number, not the text "***")");
}

TEST(ParamSchema, CutsALongTextBetweenCharacters) {
  std::string text;
  for (int i = 0; i < 50; ++i) text += "ä";
  const std::string message = Checked(kMultiply, R"({"multiplier": "x)" + text + "\"}").message();
  EXPECT_EQ(message, R"("multiplier" must be a number, not the text "x)" + text.substr(0, 58) + "…\"");
}

class BrokenSchema : public testing::TestWithParam<std::pair<const char*, const char*>> {};

TEST_P(BrokenSchema, IsRefused) {
  const auto& [schema, part] = GetParam();
  const Result<ParamSchema> compiled = ParamSchema::compile(schema);
  ASSERT_FALSE(compiled.has_value());
  EXPECT_EQ(compiled.error().error_class, ErrorClass::kConfig);
  EXPECT_NE(compiled.error().text().find(part), std::string::npos) << compiled.error().text();
}

INSTANTIATE_TEST_SUITE_P(
    ParamSchema, BrokenSchema,
    testing::Values(std::pair{"", "not valid JSON"}, std::pair{"{\"type\": }", "line 1, column 10"}, std::pair{"[]", "a map or a boolean"},
                    std::pair{R"({"type": "nmber"})", "nmber"}, std::pair{R"({"properties": []})", ""},
                    std::pair{R"({"properties": {"a": 1}})", "/properties"}, std::pair{R"({"oneOf": {}})", ""},
                    std::pair{R"({"required": [1]})", ""}, std::pair{R"({"minLength": "x"})", "minLength"},
                    std::pair{R"({"properties": {"p": {"pattern": "("}}})", "no regular expression"},
                    std::pair{R"({"pattern": 1})", "must be a string"},
                    std::pair{R"({"patternProperties": {"[": {}}})", "no regular expression"}, std::pair{R"({"multipleOf": 0})", "above 0"},
                    std::pair{R"({"multipleOf": -2})", "above 0"}, std::pair{R"({"$ref": "#/definitions/none"})", "leads to no schema"},
                    std::pair{R"({"$ref": "http://elsewhere/x"})", "leads to no schema"}, std::pair{R"({"$ref": "#"})", "refers to itself"},
                    std::pair{R"({"allOf": [{"$ref": "#"}]})", "refers to itself"},
                    std::pair{R"({"definitions": {"a": {"$ref": "#/definitions/b"}, "b": {"not": {"$ref": "#/definitions/a"}}}})",
                              "refers to itself"}));

TEST(ParamSchema, RefusesASchemaOfTooManyParts) {
  std::string all = R"({"allOf": [{})";
  for (size_t i = 0; i < kMaxSubschemas; ++i) all += ",{}";
  EXPECT_FALSE(ParamSchema::compile(all + "]}").has_value());
}

// So many, each of which has the next one in it, and the last one the first.
std::string chain_of(size_t many) {
  std::string chain = R"({"$ref": "#/definitions/d0", "definitions": {)";
  for (size_t i = 0; i < many; ++i) {
    chain += (i ? ", \"d" : "\"d") + std::to_string(i) + R"(": {"items": {"$ref": "#/definitions/d)" + std::to_string((i + 1) % many) + "\"}}";
  }
  return chain + "}}";
}

TEST(ParamSchema, CompilesALongChainOfReferencesAndRefusesALongerOne) {
  constexpr size_t kMost = kMaxSchemaDepth / 3 - 1;  // each is items of a definition of the whole
  EXPECT_TRUE(ParamSchema::compile(chain_of(kMost)).has_value());
  const auto longer = ParamSchema::compile(chain_of(kMost + 1));
  ASSERT_FALSE(longer.has_value());
  EXPECT_NE(longer.error().text().find("too deep"), std::string::npos);
}

}  // namespace
}  // namespace heddle
