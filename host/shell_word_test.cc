#include "shell_word.h"

#include <gtest/gtest.h>

#include <cstdio>

namespace heddle {
namespace {

// What a shell makes of the words behind a command.
std::string read_by_shell(const std::string& words) {
  FILE* const shell = ::popen(("printf '%s|' " + words).c_str(), "r");
  std::string out;
  for (int c; (c = std::fgetc(shell)) != EOF;) out += static_cast<char>(c);
  ::pclose(shell);
  return out;
}

TEST(ShellWord, IsReadAsItWasMeant) {
  for (const std::string word : {"plain", "a/b.c_d-e+f=g,h:i@j%k", "two words", "it's", "''", "$HOME", "`id`", "a;b", "a&b", "~", "*", "#no", "!", "a\\b", "\"q\"", "new\nline", "\xc3\xa9", "{a,b}", "T={\"k\":\"it's\"}"})
    EXPECT_EQ(read_by_shell(shell_word(word)), word + "|");
  EXPECT_EQ(read_by_shell(shell_word("")), "|");
}

TEST(ShellWord, IsLeftAloneWhereItCanBe) {
  EXPECT_EQ(shell_word("--reproduce"), "--reproduce");
  EXPECT_EQ(shell_word("/tmp/x.so"), "/tmp/x.so");
  EXPECT_EQ(shell_word("a b"), "'a b'");
}

TEST(ShellWord, APathIsNoOption) {
  EXPECT_EQ(shell_path("-x"), "./-x");
  EXPECT_EQ(shell_path("- x"), "'./- x'");
  EXPECT_EQ(shell_path("x"), "x");
}

}  // namespace
}  // namespace heddle
