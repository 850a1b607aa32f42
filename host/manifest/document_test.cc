#include "manifest/document.h"

#include <gtest/gtest.h>

#include "manifest/manifest_samples.h"

namespace heddle {
namespace {

JsonNode parse(const std::string& text) {
  Diagnostics d("t", text);
  JsonNode root;
  EXPECT_TRUE(parse_document(text, root, d)) << d.text(false);
  return root;
}

void expect_spans(const JsonNode& node, const std::string& text) {
  const std::string own = text.substr(node.span.offset, node.span.length);
  EXPECT_EQ(parse(own).json(), node.json());
  for (const JsonNode& item : node.items) expect_spans(item, text);
  for (const JsonNode::Member& m : node.members) {
    EXPECT_EQ(parse(text.substr(m.key_span.offset, m.key_span.length)).text, m.key);
    expect_spans(m.value, text);
  }
}

TEST(Document, EveryValueAndKeyKnowsItsPlace) {
  const std::string text =
      "\xEF\xBB\xBF { \"a\" : [ 1 , -2.50e+3,true,null , \"x\\\"\\u00e9\\ud83d\\ude00\" , {}, [ ] ],\n\t\"k\\n,:\":{\"b\":false} }\r\n";
  const JsonNode root = parse(text);
  expect_spans(root, text);
  expect_spans(parse(kFullManifest), kFullManifest);
  EXPECT_EQ(root.find("a")->items[1].text, "-2.50e+3");
  EXPECT_EQ(root.find("a")->items[4].text, "x\"\xC3\xA9\xF0\x9F\x98\x80");
  EXPECT_EQ(root.find("missing"), nullptr);
}

TEST(Document, KeepsNumbersAsWritten) {
  const std::string text = "[115792089237316195423570985008687907853269984665640564039457584007913129639935,0.10,1E5,-0]";
  EXPECT_EQ(parse(text).json(), text);
}

TEST(Document, WritesWhatItRead) {
  const std::string text = R"({"a":[1,true,null,"\u0000\n\"\\é"],"b":{}})";
  EXPECT_EQ(parse(text).json(), text);
  EXPECT_EQ(parse(parse(text).pretty()).json(), text);
}

// One diagnostic, at the mark.
void expect_fault(const std::string& marked, const std::string& code, const std::string& message, const std::string& pointer = "") {
  const Marked m(marked);
  Diagnostics d("t", m.text);
  JsonNode root;
  parse_document(m.text, root, d);
  ASSERT_EQ(d.all().size(), 1u) << marked << d.text(false);
  EXPECT_EQ(d.all()[0].code, code) << marked;
  EXPECT_EQ(d.all()[0].span.offset, m.offset) << marked << "\n" << d.text(false);
  EXPECT_NE(d.all()[0].message.find(message), std::string::npos) << marked << "\n" << d.text(false);
  EXPECT_EQ(d.all()[0].pointer, pointer) << marked;
}

TEST(Document, NamesTheCommonMistakes) {
  struct {
    const char *text, *message, *pointer;
  } cases[] = {
      {"{\"a\": 1@,}", "trailing comma", ""},
      {"{\"a\": [1@, ]}", "trailing comma", "/a/1"},
      {"{@'a': 1}", "double quotes", ""},
      {"{\"a\": @'b'}", "double quotes", "/a"},
      {"{\"a\": @“b”}", "typographic", "/a"},
      {"{@// note\n\"a\": 1}", "comments", ""},
      {"{\"a\": 1, @/* note */ \"b\": 1}", "comments", ""},
      {"{\"a\": 1 @# note\n}", "comments", ""},
      {"{\"a\": @# note\n 1}", "comments", "/a"},
      {"{\"a\": 1@ \"b\": 2}", "comma is missing", ""},
      {"[1@ 2]", "comma is missing", "/1"},
      {"[{}@\n{}]", "comma is missing", "/1"},
      {"{\"a\": @\"b}", "not terminated", "/a"},
      {"{\"a\": @\"b\n\", \"c\": 1}", "not terminated", "/a"},
      {"{@a: 1}", "keys are written in double quotes", ""},
      {"{\"a\" @= 1}", "\":\", not by \"=\"", "/a"},
      {"{\"a\"@}", "no value", "/a"},
      {"{\"a\": @}", "missing before", "/a"},
      {"{\"a\": @, \"b\": 1}", "missing before", "/a"},
      {"[1, @, 2]", "missing before", "/1"},
      {"{\"a\": @: 1}", "found \":\"", "/a"},
      {"@: :", "expected \"{\"", ""},
      {"{\"a\": @True}", "small letters", "/a"},
      {"{\"a\": @None}", "not a JSON value", "/a"},
      {"{\"a\": @NaN}", "no number", "/a"},
      {"{\"a\": @yes}", "found \"yes\"", "/a"},
      {"{\"a\": @+1}", "begins with a digit", "/a"},
      {"{\"a\": @.5}", "begins with a digit", "/a"},
      {"{\"a\": @01}", "does not begin with 0", ""},
      {"{\"a\": 1.@}", "digit must follow", "/a"},
      {"{\"a\": 1e@}", "digit must follow", "/a"},
      {"{\"a\": @1e999}", "too big", "/a"},
      {"{\"a\": \".x == \"@eu\"\"}", "string ends before", ""},
      {"{\"a\": \"@\\q\"}", "no escape", "/a"},
      {"{\"a\": \"@\\u12g4\"}", "hexadecimal", "/a"},
      {"{\"a\": \"@\\ud800\"}", "surrogate", "/a"},
      {"{\"a\": \"\\\\ude00 \\ud83d\\ude00@\\uDE00\"}", "surrogate", "/a"},
      {"{\"@\\ude00\": 1}", "surrogate", ""},
      {"{\"a\": \"x@\ty\"}", "control character", "/a"},
      {"{\"a\": \"x@\xff\"}", "UTF-8", "/a"},
      {"{\"a\": [1@}", "does not close", "/a/1"},
      {"{\"a\": 1@]", "does not close", ""},
      {"{\"a\": 1}@}", "document ends before", ""},
      {"{} @// x", "comments", ""},
      {"@", "empty", ""},
      {"\xEF\xBB\xBF@", "empty", ""},
      {"@\xFF\xFE{", "UTF-16", ""},
      {"@x", "expected \"{\"", ""},
      {"{\"a\": [1@", "line 1, column 7 is still open", "/a/1"},
      {"{\"a\": 1,@", "still open", ""},
      {"{\"a\":@", "still open", "/a"},
      {"{\"a\"@", "still open", "/a"},
      {"{@", "still open", ""},
      {"{\"a\": 1, \"b\": {\"c\": @x}}", "expected a value", "/b/c"},
  };
  for (const auto& c : cases) {
    if (std::string(c.message) == "found \"yes\"" || std::string(c.message) == "expected a value")
      expect_fault(c.text, "syntax", "found", c.pointer);
    else
      expect_fault(c.text, "syntax", c.message, c.pointer);
  }
  expect_fault(std::string("{} @\0", 5), "syntax", "NUL");
  expect_fault(std::string("{} @\0 {}", 8), "syntax", "NUL");
}

TEST(Document, DuplicateKeysAreNamedWithBothPlaces) {
  expect_fault("{\n \"x\": {\"b/c\": 1,\n @\"b/c\": 2}}", "duplicate-key", "line 2, column 8", "/x/b~1c");
  std::string many = "{";
  for (int i = 0; i < 100; ++i) many += "\"k" + std::to_string(i) + "\":0,";
  expect_fault(many + "@\"k7\":1}", "duplicate-key", "\"k7\"", "/k7");
}

TEST(Document, RefusesWhatIsNestedTooDeep) {
  std::string deep(2'000'000, '[');
  deep.insert(kMaxManifestDepth, "@");
  std::string pointer;
  for (size_t i = 0; i < kMaxManifestDepth; ++i) pointer += "/0";
  expect_fault(deep, "too-deep", "64 levels", pointer);
  std::string maps;
  for (int i = 0; i < 200'000; ++i) maps += "{\"a\":";
  Diagnostics d("t", maps);
  JsonNode root;
  EXPECT_FALSE(parse_document(maps, root, d));
  EXPECT_EQ(d.all().at(0).code, "too-deep");
  const std::string allowed = std::string(kMaxManifestDepth, '[') + std::string(kMaxManifestDepth, ']');
  EXPECT_EQ(parse(allowed).json(), allowed);
}

TEST(Document, RefusesWhatIsTooBig) {
  const std::string big(kMaxManifestBytes + 1, ' ');
  Diagnostics d("t", big);
  JsonNode root;
  EXPECT_FALSE(parse_document(big, root, d));
  EXPECT_EQ(d.all().at(0).code, "too-big");
}

TEST(Document, RefusesTooManyValues) {
  std::string many = "[0";
  for (size_t i = 0; i < kMaxManifestValues; ++i) many += ",0";
  many += ']';
  Diagnostics d("t", many);
  JsonNode root;
  EXPECT_FALSE(parse_document(many, root, d));
  EXPECT_EQ(d.all().at(0).code, "too-many-values");
}

TEST(Document, EveryTruncationIsOneSyntaxError) {
  const std::string body = kFullManifest.substr(0, kFullManifest.rfind('}'));
  for (size_t n = 0; n <= body.size(); ++n) {
    const std::string text = body.substr(0, n);
    Diagnostics d("t", text);
    JsonNode root;
    EXPECT_FALSE(parse_document(text, root, d)) << n;
    ASSERT_EQ(d.all().size(), 1u) << n;
    EXPECT_EQ(d.all()[0].code, "syntax");
    EXPECT_LE(d.all()[0].span.offset, n);
    EXPECT_FALSE(d.text(false).empty());
  }
}

}  // namespace
}  // namespace heddle
