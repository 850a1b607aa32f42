#include "manifest/substitute.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "log.h"
#include "manifest/manifest_samples.h"

namespace heddle {
namespace {

const char kParams[] = R"(,"params":{
  "s":{"type":"string","default":"text"}, "n":{"type":"number","default":0.50}, "i":{"type":"integer","default":7},
  "b":{"type":"boolean","default":true}, "k":{"type":"secret","from":"env:SCORE_TOKEN"}, "braces":{"type":"string","default":"${param.s}"}})";

std::string with_value(const std::string& json) {
  return R"({"version":"heddle/1","nodes":[{"id":"a","node_type":"T","params":{"v":)" + json + "}}]" + kParams + "}";
}

std::string substituted(const std::string& json, ReadOptions options = sample_options(), const std::string& file = "m.json") {
  const std::string text = with_value(json);
  Diagnostics d(file, text);
  const std::optional<Manifest> m = read_manifest(text, file, options, d);
  return m ? m->nodes[0].params.find("v")->json() : d.text(false);
}

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "heddle-manifest-XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string write(const std::string& name, const std::string& content) const {
    std::ofstream(path_ / name, std::ios::binary) << content;
    return (path_ / name).string();
  }
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

TEST(Substitution, ReplacesEveryForm) {
  EXPECT_EQ(substituted(R"("${param.s}")"), R"("text")");
  EXPECT_EQ(substituted(R"("<${param.s}${env.REGION}>")"), R"("<texteu>")");
  EXPECT_EQ(substituted(R"("${env.NOBODY:-d:-e}")"), R"("d:-e")");
  EXPECT_EQ(substituted(R"("${env.EMPTY:-d}")"), R"("d")");
  EXPECT_EQ(substituted(R"("${env.EMPTY}")"), R"("")");
  EXPECT_EQ(substituted(R"([{"x":["${env.REGION}"]}])"), R"([{"x":["eu"]}])");
}

TEST(Substitution, AStringThatIsOneParamTakesItsType) {
  EXPECT_EQ(substituted(R"("${param.n}")"), "0.50");
  EXPECT_EQ(substituted(R"("${param.i}")"), "7");
  EXPECT_EQ(substituted(R"("${param.b}")"), "true");
  EXPECT_EQ(substituted(R"("n=${param.n} i=${param.i} b=${param.b}")"), R"("n=0.50 i=7 b=true")");
  EXPECT_EQ(substituted(R"(" ${param.i}")"), R"(" 7")");
}

TEST(Substitution, EscapesAndDollarsStayThemselves) {
  EXPECT_EQ(substituted(R"("$${param.s}")"), R"("${param.s}")");
  EXPECT_EQ(substituted(R"("$$${param.s} $ $x $$ $")"), R"("$${param.s} $ $x $$ $")");
  EXPECT_EQ(substituted(R"(".score >= $min_score")"), R"(".score >= $min_score")");
  EXPECT_EQ(escape_references("a ${x} $${y} $z"), "a $${x} $$${y} $z");
}

TEST(Substitution, DoesNotLookIntoWhatItPutsIn) {
  EXPECT_EQ(substituted(R"("${param.braces}")"), R"("${param.s}")");
  EXPECT_EQ(substituted(R"("${env.TRICKY}")"), R"("${env.REGION}")");
}

TEST(Substitution, GivenParamsComeFirstAndAreChecked) {
  ReadOptions options = sample_options();
  options.params = {{"s", "given"}, {"i", "-3"}, {"b", "false"}};
  EXPECT_EQ(substituted(R"(["${param.s}","${param.i}","${param.b}"])", options), R"(["given",-3,false])");
  options.params = {{"i", "1.5"}};
  EXPECT_NE(substituted("0", options).find("bad-param"), std::string::npos);
  options.params = {{"n", "1 2"}};
  EXPECT_NE(substituted("0", options).find("bad-param"), std::string::npos);
  options.params = {{"b", "yes"}};
  EXPECT_NE(substituted("0", options).find("must be true or false"), std::string::npos);
  options.params = {{"s", "\xff"}};
  EXPECT_NE(substituted("0", options).find("UTF-8"), std::string::npos);
  options.params = {{"brace", "x"}};
  const std::string out = substituted("0", options);
  EXPECT_NE(out.find("error[unknown-param]"), std::string::npos);
  EXPECT_NE(out.find("did you mean \"braces\"?"), std::string::npos);
}

TEST(Substitution, UnresolvedReferencesAreErrorsAtTheirPlace) {
  struct {
    const char *marked, *code, *hint;
  } cases[] = {
      {R"("\u00e9\n@${param.brace}")", "unknown-param", "did you mean \"braces\"?"},
      {R"("\ud83d\ude00 @${env.NOBODY} x")", "unset-variable", "set it, or write ${env.NOBODY:-default}"},
      {R"("a @${s}")", "bad-reference", "did you mean \"${param.s}\"?"},
      {R"("a @${VAR}")", "bad-reference", ""},
      {R"("a @${param.s")", "bad-reference", ""},
      {R"("@${env.A:-${env.B}}")", "bad-reference", ""},
      {R"("@${env.1A}")", "bad-reference", ""},
      {R"("@${}")", "bad-reference", ""},
      {R"("@${file:no-such-file}")", "unreadable-file", ""},
      {R"("@${file:}")", "unreadable-file", ""},
      {R"("@${file:/dev/zero}")", "unreadable-file", ""},
  };
  for (const auto& c : cases) {
    const Marked m(with_value(c.marked));
    const Diagnostics d = diagnose(m.text);
    ASSERT_EQ(d.all().size(), 1u) << c.marked << d.text(false);
    EXPECT_EQ(d.all()[0].code, c.code) << c.marked;
    EXPECT_EQ(d.all()[0].span.offset, m.offset) << d.text(false);
    EXPECT_EQ(d.all()[0].pointer, "/nodes/0/params/v");
    if (*c.hint) {
      EXPECT_EQ(d.all()[0].hint, c.hint);
    }
  }
}

TEST(Substitution, TakesFilesFromTheFolderOfTheManifest) {
  const TemporaryFolder folder;
  folder.write("token", "line\r\n");
  folder.write("two", "a\n\n");
  folder.write("latin1", "\xe9");
  folder.write("big", std::string(kMaxFileBytes + 1, 'x'));
  const std::string manifest = folder / "m.json";
  EXPECT_EQ(substituted(R"("${file:token}")", sample_options(), manifest), R"("line")");
  EXPECT_EQ(substituted(R"("${file:two}")", sample_options(), manifest), R"("a\n")");
  EXPECT_NE(substituted(R"("${file:latin1}")", sample_options(), manifest).find("UTF-8"), std::string::npos);
  EXPECT_NE(substituted(R"("${file:big}")", sample_options(), manifest).find("longer than"), std::string::npos);
  EXPECT_NE(substituted(R"("${file:.}")", sample_options(), manifest).find("not a regular file"), std::string::npos);
}

TEST(Substitution, WhatAllReferencesGiveIsBounded) {
  const TemporaryFolder folder;
  folder.write("big", std::string(kMaxFileBytes, 'x'));
  std::string list = "[";
  for (int i = 0; i < 70; ++i) list += std::string(i ? "," : "") + "\"${file:big}\"";
  EXPECT_NE(substituted(list + "]", sample_options(), folder / "m.json").find("too-big"), std::string::npos);
}

TEST(Substitution, OnlyConfigurationIsSubstituted) {
  const std::string text =
      R"({"version":"heddle/1","metadata":{"description":"${nothing}"},"nodes":[{"id":"a","node_type":"T","x-note":"${nothing}"}],
    "tests":[{"in":{"a":["${nothing}"]},"expect":{}}],"x-editor":"${nothing}"})";
  EXPECT_TRUE(diagnose(text).all().empty()) << diagnose(text).text(false);
}

TEST(Substitution, NoSecretIsInAnyMessage) {
  const std::string text = R"({"version":"heddle/1","params":{"k":{"type":"secret","from":"env:SCORE_TOKEN"}},
    "nodes":[{"id":"a","node_type":"T","lane":"${param.k}"},{"id":"a","node_type":"T"}]})";
  const Diagnostics d = diagnose(text);
  EXPECT_EQ(d.errors(), 2u);
  EXPECT_NE(d.text(false).find("there is no lane \"***\""), std::string::npos) << d.text(false);
  EXPECT_EQ(d.json().find("s3cr3t"), std::string::npos);
}

}  // namespace
}  // namespace heddle
