#include "manifest/yaml.h"

#include <gtest/gtest.h>

namespace heddle {
namespace {

// The tree as JSON, or the first thing that is wrong with the text: "line:column code".
std::string tree_of(const std::string& text) {
  Diagnostics diagnostics("spec.yaml", text);
  JsonNode root;
  if (parse_yaml(text, root, diagnostics)) return diagnostics.has_errors() ? "an error, and a tree" : root.json();
  if (!diagnostics.has_errors()) return "no error, and no tree";
  const Diagnostic& first = diagnostics.all()[0];
  const Diagnostics::Place place = diagnostics.place(first.span.offset);
  return std::to_string(place.line) + ":" + std::to_string(place.column) + " " + first.code;
}

TEST(Yaml, GivesTheTreeThatJsonGives) {
  EXPECT_EQ(tree_of("a: 1\nb: [x, 'y', \"z\"]\nc:\n  - d: true\n    e: ~\n"), R"({"a":1,"b":["x","y","z"],"c":[{"d":true,"e":null}]})");
  EXPECT_EQ(tree_of("{\"a\": [1, 2.5e3, -0.1], \"b\": {}}"), R"({"a":[1,2.5e3,-0.1],"b":{}})");
  EXPECT_EQ(tree_of("--- 1\n"), "1");
  EXPECT_EQ(tree_of("a:\n"), R"({"a":null})");
  EXPECT_EQ(tree_of("a: |\n  one\n  two\nb: >\n  one\n  two\n"), R"({"a":"one\ntwo\n","b":"one two\n"})");
}

TEST(Yaml, WhatLooksLikeANumberAndIsNoneIsAText) {
  EXPECT_EQ(tree_of("[007, 0x1f, +1, 1., .5, 1_000, 1.2.3, '1', \"true\", yes, on, ยง]"), R"(["007","0x1f","+1","1.",".5","1_000","1.2.3","1","true","yes","on","ยง"])");
  EXPECT_EQ(tree_of("[!!str 1, 0, -0, 10]"), R"(["1",0,-0,10])");
}

TEST(Yaml, AliasesStandForWhatTheyName) { EXPECT_EQ(tree_of("a: &x [1, 2]\nb: *x\nc: {d: *x}\n"), R"({"a":[1,2],"b":[1,2],"c":{"d":[1,2]}})"); }

TEST(Yaml, EachValueKnowsItsPlace) {
  const std::string text = "a: 1\nlist:\n  - über\n  - 'quoted'\n";
  Diagnostics diagnostics("spec.yaml", text);
  JsonNode root;
  ASSERT_TRUE(parse_yaml(text, root, diagnostics));
  const JsonNode& first = root.members[1].value.items[0];
  EXPECT_EQ(text.substr(first.span.offset, first.span.length), "über");
  EXPECT_EQ(diagnostics.place(root.members[1].value.items[1].span.offset).line, 4u);
  EXPECT_EQ(diagnostics.place(root.members[1].key_span.offset).line, 2u);
}

TEST(Yaml, WhatIsWrongHasAPlace) {
  EXPECT_EQ(tree_of("a: 1\nb: [1, 2\nc: 3\n"), "3:2 yaml-syntax");
  EXPECT_EQ(tree_of("a: 1\na: 2\n"), "2:1 duplicate-key");
  EXPECT_EQ(tree_of("a: 1\n? [x]\n: 2\n"), "2:3 bad-key");
  EXPECT_EQ(tree_of("a: !mine 1\n"), "1:4 unknown-tag");
  EXPECT_EQ(tree_of("a: *nothing\n"), "1:4 yaml-syntax");
  EXPECT_EQ(tree_of("a: &x [1, *x]\n"), "1:11 bad-alias");
  EXPECT_EQ(tree_of("a: 1\n---\nb: 2\n"), "3:1 two-documents");
  EXPECT_EQ(tree_of(""), "1:1 empty");
  EXPECT_EQ(tree_of("# nothing\n"), "1:1 empty");
}

TEST(Yaml, WhatIsOverALimitIsRefused) {
  EXPECT_EQ(tree_of(std::string(kMaxManifestDepth + 1, '[') + std::string(kMaxManifestDepth + 1, ']')), "1:65 too-deep");
  EXPECT_NE(tree_of(std::string(100'000, '[')).find(" too-deep"), std::string::npos);
  EXPECT_EQ(tree_of(std::string(kMaxYamlBytes + 1, 'x')), "0:0 too-large");
  std::string many = "[";
  for (size_t i = 0; i < kMaxYamlValues; ++i) many += "1,";
  EXPECT_EQ(tree_of(many + "]").substr(tree_of(many + "]").find(' ')), " too-large");
  std::string aliases = "a: &a 1\nb: [";
  for (size_t i = 0; i <= kMaxYamlAliases; ++i) aliases += "*a, ";
  aliases += "]";
  EXPECT_NE(tree_of(aliases).find(" too-many-aliases"), std::string::npos);
}

TEST(Yaml, ABombOfAliasesIsRefusedAtOnce) {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 30; ++i) {
    const std::string before = "*a" + std::to_string(i - 1), name = "a" + std::to_string(i);
    bomb += name + ": &" + name + " [";
    for (int n = 0; n < 10; ++n) bomb += before + ", ";
    bomb += "]\n";
  }
  EXPECT_EQ(tree_of(bomb), "5:45 too-large");
}

}  // namespace
}  // namespace heddle
