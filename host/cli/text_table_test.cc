#include "cli/text_table.h"

#include <gtest/gtest.h>

namespace heddle {
namespace {

using enum TextTable::Align;

TextTable small_table() {
  TextTable table({{"ID", kRight}, {"LANE"}, {"WHY", kLeft, true}});
  table.add({"7", "prompt", "the disk is full and nobody knows why"});
  table.add({"12345", "x", ""});
  return table;
}

TEST(TextTable, AlignsNumbersToTheRightAndTextToTheLeft) {
  EXPECT_EQ(small_table().text(0),
            "   ID  LANE    WHY\n"
            "    7  prompt  the disk is full and nobody knows why\n"
            "12345  x\n");
}

TEST(TextTable, CutsWhatMayBeCutToTheTerminal) {
  EXPECT_EQ(small_table().text(30),
            "   ID  LANE    WHY\n"
            "    7  prompt  the disk is fu…\n"
            "12345  x\n");
}

TEST(TextTable, NeverExceedsTheTerminal) {
  for (size_t columns = 1; columns < 80; ++columns) {
    const std::string text = small_table().text(columns);
    for (size_t begin = 0; begin < text.size();) {
      const size_t end = text.find('\n', begin);
      EXPECT_LE(width_of(std::string_view(text).substr(begin, end - begin)), columns);
      begin = end + 1;
    }
  }
}

TEST(TextTable, CountsCharactersAndNotBytes) {
  EXPECT_EQ(width_of("héllo"), 5u);
  EXPECT_EQ(cut_to("héllo wörld", 7), "héllo …");
  EXPECT_EQ(cut_to("héllo", 5), "héllo");
  EXPECT_EQ(width_of("日本"), 4u);
  EXPECT_EQ(cut_to("日本語", 4), "日…");
  EXPECT_EQ(cut_to("abc", 1), "…");
  EXPECT_EQ(cut_to("abc", 0), "");
}

TEST(TextTable, NothingThatComesFromAHostSteersTheTerminal) {
  TextTable table({{"X"}});
  table.add({"a\033[2Jb\nc\xFF größe"});
  EXPECT_EQ(table.text(0), "X\na\\u001B[2Jb\\u000Ac\\xFF größe\n");
}

}  // namespace
}  // namespace heddle
