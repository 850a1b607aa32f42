#include "plugin/secrets.h"

#include <gtest/gtest.h>

#include "log.h"

namespace heddle {
namespace {

// What is left of `text` once the secrets of `value` are known. Each test has words of its own: what is redacted stays so.
std::string shown(std::string_view schema, std::string_view value, std::string_view text) {
  redact_secrets(schema, *Value::parse(value));
  return log::redacted(text);
}

TEST(Secrets, AreRedactedWhereTheyStand) {
  EXPECT_EQ(shown(R"({"properties": {"a": {"writeOnly": true}, "b": {}}})", R"({"a": "first-secret", "b": "first-word"})", "first-secret first-word"), "*** first-word");
}

TEST(Secrets, AreRedactedInListsAndInMapsOfAnyKeys) {
  EXPECT_EQ(shown(R"({"items": {"additionalProperties": {"writeOnly": true}}})", R"([{"x": "second-secret"}, {"y": "third-secret"}])", "second-secret third-secret"), "*** ***");
}

TEST(Secrets, AreRedactedInAlternatives) {
  EXPECT_EQ(shown(R"({"properties": {"endpoints": {"items": {"anyOf": [{"type": "string"}, {"properties": {"token": {"writeOnly": true}}}]}}}})",
                  R"({"endpoints": ["fourth-word", {"token": "fourth-secret"}]})", "fourth-word fourth-secret"), "fourth-word ***");
}

TEST(Secrets, AreRedactedBehindReferencesAlsoThoseInACircle) {
  EXPECT_EQ(shown(R"({"$ref": "#/definitions/a", "definitions": {"a": {"allOf": [{"$ref": "#/definitions/a"}], "properties": {"k": {"writeOnly": true}}}}})", R"({"k": "fifth-secret"})",
                  "fifth-secret"), "***");
}

TEST(Secrets, OfAValueOfAnotherFormAreNone) {
  EXPECT_EQ(shown(R"({"properties": {"a": {"writeOnly": true}}, "items": 3, "anyOf": true})", R"("sixth-word")", "sixth-word"), "sixth-word");
}

}  // namespace
}  // namespace heddle
