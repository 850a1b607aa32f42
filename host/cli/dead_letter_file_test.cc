#include "cli/dead_letter_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "log.h"

namespace heddle {
namespace {

class DeadLetterFileTest : public ::testing::Test {
 protected:
  DeadLetterFileTest() {
    std::string folder = (std::filesystem::temp_directory_path() / "heddle-letters-XXXXXX").string();
    folder_ = ::mkdtemp(folder.data());
  }
  ~DeadLetterFileTest() override { std::filesystem::remove_all(folder_); }

  static std::string content(const std::string& path) {
    std::ostringstream out;
    out << std::ifstream(path).rdbuf();
    return out.str();
  }

  static DeadLetter letter() {
    DeadLetter l;
    l.node = "calc";
    l.error = Error("not-a-number", "a number was expected");
    l.sequence = 7;
    l.attempts = {{1, "too slow", 2'000'000}};
    l.item = Value::parse("{\"a\": 1}").value();
    return l;
  }

  std::filesystem::path folder_;
};

TEST_F(DeadLetterFileTest, KeepsTheItemAsItWas) {
  EXPECT_EQ(dead_letter_json(letter()),
            "{\"node\":\"calc\",\"code\":\"not-a-number\",\"class\":\"permanent\",\"message\":\"a number was "
            "expected\",\"sequence\":7,"
            "\"attempts\":[{\"number\":1,\"error\":\"too slow\",\"took_ms\":2}],\"item\":{\"a\": 1}}");
}

TEST_F(DeadLetterFileTest, KeepsTheTextOfInputThatWasNoJson) {
  DeadLetter l = letter();
  l.item = Value();
  l.text = "{broken\xFF";
  l.text_bytes = l.text.size();
  l.line = 9;
  EXPECT_TRUE(dead_letter_json(l).ends_with("\"text\":\"{broken\xEF\xBF\xBD\"}")) << dead_letter_json(l);
  EXPECT_NE(dead_letter_json(l).find("\"line\":9"), std::string::npos);
}

TEST_F(DeadLetterFileTest, SaysWhereTheTextIsCut) {
  DeadLetter l = letter();
  l.item = Value();
  l.text = "{broken";
  l.text_bytes = 10'000;
  EXPECT_TRUE(dead_letter_json(l).ends_with("\"text\":\"{broken\",\"text_bytes\":10000}")) << dead_letter_json(l);
}

TEST_F(DeadLetterFileTest, IsMadeAtTheFirstLetterForItsOwnerAlone) {
  std::string path = folder_ / "a" / "b" / "letters.jsonl";
  DeadLetterFile file(path, nullptr);
  EXPECT_EQ(file.written_path(), "");
  EXPECT_FALSE(std::filesystem::exists(path));
  ASSERT_TRUE(file.add(letter()));
  ASSERT_TRUE(file.add(letter()));
  EXPECT_EQ(file.written_path(), path);
  EXPECT_EQ(file.count(), 2u);
  struct stat info;
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  EXPECT_EQ(content(path), dead_letter_json(letter()) + "\n" + dead_letter_json(letter()) + "\n");
}

TEST_F(DeadLetterFileTest, WithoutAPathLettersAreCounted) {
  DeadLetterFile file("", nullptr);
  ASSERT_TRUE(file.add(letter()));
  EXPECT_EQ(file.count(), 1u);
  EXPECT_EQ(file.written_path(), "");
}

TEST_F(DeadLetterFileTest, APlaceThatCannotBeWrittenIsAnIoError) {
  std::ofstream(folder_ / "plain") << "x";
  DeadLetterFile file(folder_ / "plain" / "letters", nullptr);
  Result<void> added = file.add(letter());
  ASSERT_FALSE(added);
  EXPECT_EQ(added.error().code, "io");
}

TEST_F(DeadLetterFileTest, MessagesHaveNoSecrets) {
  log::redact("hunter2hunter2");
  DeadLetter l = letter();
  l.error.message = "the token hunter2hunter2 was refused";
  EXPECT_EQ(dead_letter_json(l).find("hunter2"), std::string::npos);
}

TEST_F(DeadLetterFileTest, TheDefaultPlaceFollowsTheXdgRules) {
  ::setenv("XDG_STATE_HOME", "/state", 1);
  ::setenv("HOME", "/home/me", 1);
  EXPECT_EQ(default_dead_letter_path("a/b").rfind("/state/heddle/dead-letters/a_b-20", 0), 0u) << default_dead_letter_path("a/b");
  ::setenv("XDG_STATE_HOME", "relative", 1);
  EXPECT_EQ(state_folder("x"), "/home/me/.local/state/heddle/x");
  ::unsetenv("XDG_STATE_HOME");
  ::unsetenv("HOME");
  EXPECT_EQ(default_dead_letter_path("p"), "");
}

TEST_F(DeadLetterFileTest, TheLineForPeopleSaysWhereAndWhy) {
  EXPECT_EQ(dead_letter_text(letter()), "calc: item 7: a number was expected [not-a-number]");
  DeadLetter l = letter();
  l.node = "input";
  l.line = 9;
  l.error = Error("bad-json", "line 9, column 2: no value");
  EXPECT_EQ(dead_letter_text(l), "input: line 9, column 2: no value [bad-json]");
}

}  // namespace
}  // namespace heddle
