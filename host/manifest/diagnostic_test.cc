#include <gtest/gtest.h>

#include "log.h"
#include "manifest/document.h"

namespace heddle {
namespace {

Diagnostic at(size_t offset, size_t length, std::string message = "m", std::string hint = "") {
  return {Severity::kError, "code", "/p", {offset, length}, std::move(message), std::move(hint)};
}

TEST(Diagnostics, ShowsFileLineColumnCaretAndHint) {
  Diagnostics d("p.json", "{\n  \"nodess\": 1\n}");
  d.add(at(4, 8, "no such key", "did you mean \"nodes\"?"));
  EXPECT_EQ(d.text(false),
            "p.json:2:3: error[code]: no such key\n"
            "     2 |   \"nodess\": 1\n"
            "       |   ^~~~~~~~\n"
            "       = hint: did you mean \"nodes\"?\n");
}

TEST(Diagnostics, CountsColumnsInCharactersAndPlacesTheCaretByWidth) {
  const std::string text = "\xEF\xBB\xBF\t\"日本\": x";
  Diagnostics d("p", text);
  d.add(at(text.find('x'), 1));
  EXPECT_EQ(d.place(text.find('x')).column, 8u);
  EXPECT_EQ(d.text(false),
            "p:1:8: error[code]: m\n"
            "     1 |     \"日本\": x\n"
            "       |             ^\n");
}

TEST(Diagnostics, ShowsAWindowOfALongLine) {
  const std::string text = std::string(10'000, 'a') + "HERE" + std::string(10'000, 'b');
  Diagnostics d("p", text);
  d.add(at(10'000, 4));
  const std::string out = d.text(false);
  EXPECT_LT(out.size(), 500u);
  const std::string source = out.substr(out.find('\n') + 1, out.find('\n', out.find('\n') + 1) - out.find('\n') - 1);
  const std::string caret = out.substr(out.rfind('\n', out.size() - 2) + 1);
  EXPECT_EQ(caret.find('^') + std::string("…").size() - 1, source.find("HERE"));  // the ellipsis is one column and three bytes
}

TEST(Diagnostics, SortsByPlaceAndPutsThePlacelessFirst) {
  Diagnostics d("p", "abc");
  d.add(at(2, 1, "third"));
  d.add(at(0, 1, "second"));
  d.add({Severity::kError, "code", "", {}, "first", ""});
  const std::string out = d.text(false);
  EXPECT_LT(out.find("p: error[code]: first"), out.find("second"));
  EXPECT_LT(out.find("second"), out.find("third"));
}

TEST(Diagnostics, KeepsABoundedNumberAndAnErrorAfterManyWarnings) {
  Diagnostics d("p", "x");
  for (size_t i = 0; i < 1'000; ++i) d.add({Severity::kWarning, "w", "", {0, 1}, "warning", ""});
  EXPECT_FALSE(d.has_errors());
  d.add(at(0, 1, "the error"));
  EXPECT_EQ(d.all().size(), Diagnostics::kMax + 1);
  EXPECT_NE(d.text(false).find("the error"), std::string::npos);
  EXPECT_NE(d.text(false).find("and 800 more"), std::string::npos);
}

TEST(Diagnostics, CannotSteerATerminal) {
  Diagnostics d("p\x1b[2J", "\x1b[31m\xff");
  d.add(at(0, 1, "node \x1b[0m\n\x7f\xc2\x9b", "\r"));
  const std::string out = d.text(false);
  for (char c : out) EXPECT_TRUE(c == '\n' || static_cast<unsigned char>(c) >= 0x20) << static_cast<int>(c);
  EXPECT_EQ(out.find("\xc2\x9b"), std::string::npos);
}

TEST(Diagnostics, ColoursOnlyWhenAsked) {
  Diagnostics d("p", "x");
  d.add(at(0, 1));
  EXPECT_EQ(d.text(false).find('\033'), std::string::npos);
  EXPECT_NE(d.text(true).find("\033[1;31merror"), std::string::npos);
}

TEST(Diagnostics, JsonSaysTheSameAsData) {
  Diagnostics d("p", "a\nb");
  d.add(at(2, 1, "say \"x\"", "h"));
  d.add({Severity::kWarning, "w", "", {}, "no place", ""});
  EXPECT_EQ(d.json(),
            R"([{"severity":"warning","code":"w","file":"p","line":null,"column":null,"pointer":"","message":"no place","hint":""},)"
            R"({"severity":"error","code":"code","file":"p","line":2,"column":1,"pointer":"/p","message":"say \"x\"","hint":"h"}])");
}

TEST(Diagnostics, NeverShowsASecret) {
  log::redact("hunter2-diagnostics");
  Diagnostics d("p", "x");
  d.add(at(0, 1, "lane hunter2-diagnostics", "hunter2-diagnostics"));
  EXPECT_EQ(d.text(false).find("hunter2"), std::string::npos);
  EXPECT_EQ(d.json().find("hunter2"), std::string::npos);
}

TEST(Diagnostics, AnyPlaceInAnyBytesCanBeShown) {
  std::string text;
  for (int i = 0; i < 600; ++i) text += static_cast<char>(i * 7 % 256);
  for (size_t offset = 0; offset <= text.size(); ++offset) {
    Diagnostics d("p", text);
    d.add(at(offset, 1'000));
    EXPECT_FALSE(d.text(false).empty());
  }
}

TEST(Nearest, FindsSlipsOfTheHand) {
  const std::vector<std::string> words = {"connections", "nodes", "node_type", "params"};
  EXPECT_EQ(nearest("conections", words), "connections");
  EXPECT_EQ(nearest("noeds", words), "nodes");
  EXPECT_EQ(nearest("NODES", words), "nodes");
  EXPECT_EQ(nearest("nodeType", words), "node_type");
  EXPECT_EQ(nearest("weights", words), "");
  EXPECT_EQ(nearest("", words), "");
  EXPECT_EQ(nearest("x", {"y"}), "");
  EXPECT_EQ(nearest(std::string(1'000'000, 'a'), words), "");
}

TEST(Nearest, TakesTheNearestOfSeveral) { EXPECT_EQ(nearest("scores", {"scares", "score", "scores2", "scores"}), "scores"); }

TEST(Diagnostics, KnowsWhatIsDoubtful) {
  Diagnostics d("m.json", "0123456789");
  EXPECT_FALSE(d.is_doubtful({0, 10}));
  d.doubt({4, 3});
  EXPECT_TRUE(d.is_doubtful({0, 10}));
  EXPECT_TRUE(d.is_doubtful({5, 1}));
  EXPECT_FALSE(d.is_doubtful({7, 2}));
  EXPECT_FALSE(d.is_doubtful({}));
  EXPECT_TRUE(d.is_unknown({5, 2}));
  EXPECT_FALSE(d.is_unknown({0, 10}));
  d.add({.severity = Severity::kError, .code = "x", .pointer = {}, .span = {8, 1}, .message = {}, .hint = {}});
  EXPECT_TRUE(d.is_doubtful({7, 3}));
  EXPECT_FALSE(d.is_unknown({8, 1}));
  EXPECT_FALSE(d.has_errors() && d.is_doubtful({0, 2}));
}

}  // namespace
}  // namespace heddle
