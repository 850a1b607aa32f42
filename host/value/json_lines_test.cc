#include "value/json_lines.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <random>
#include <vector>

namespace heddle {
namespace {

// A line as a test compares it.
struct Seen {
  uint64_t line;
  std::string json, code, message, text;
  bool operator==(const Seen&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Seen& s) { return out << s.line << ' ' << s.json << ' ' << s.code << ' ' << s.message; }

void collect(std::span<JsonLine> lines, std::vector<Seen>* seen) {
  for (JsonLine& l : lines) seen->push_back({l.line, l.value.json(), l.error.code, l.error.message, l.value ? "" : l.text});
}

std::vector<Seen> read_pieces(const std::vector<std::string>& pieces, size_t block = size_t{256} << 10,
                              size_t max_line = JsonLines::kMaxLine) {
  JsonLines reader(block, max_line);
  std::vector<JsonLine> out(3);
  std::vector<Seen> seen;
  size_t total = 0;
  for (size_t i = 0; i < pieces.size(); ++i) {
    std::string_view data = pieces[i];
    total += data.size();
    for (;;) {
      auto got = reader.read(data, i + 1 == pieces.size(), out).value();
      if (got.state != JsonLines::State::kLines) break;
      EXPECT_GE(got.count, 1u);
      collect(std::span(out).first(got.count), &seen);
    }
  }
  EXPECT_EQ(reader.bytes_read(), total);
  return seen;
}

std::vector<Seen> read_all(const std::string& text) { return read_pieces({text}); }

TEST(JsonLines, GivesEveryLineWithItsNumber) {
  std::vector<Seen> expected = {{1, "{\"a\":1}", "", "", ""}, {3, "2", "", "", ""}, {4, "\"x\"", "", "", ""}, {6, "[]", "", "", ""}};
  EXPECT_EQ(read_all("{\"a\":1}\n\n2\r\n  \"x\" \n \t \r\n[]\n"), expected);
  EXPECT_EQ(read_all("{\"a\":1}\n\n2\r\n  \"x\" \n \t \r\n[]"), expected);
  EXPECT_EQ(read_all("\xEF\xBB\xBF{\"a\":1}\n\n2\r\n  \"x\" \n \t \r\n[]"), expected);
}

TEST(JsonLines, OfNothingThereIsNothing) {
  for (const char* empty : {"", "\n", "\n\n\r\n", "  ", "\xEF\xBB\xBF", "\xEF\xBB\xBF\n"}) EXPECT_TRUE(read_all(empty).empty()) << empty;
}

TEST(JsonLines, ABadLineStopsNothing) {
  struct Case {
    std::string line, code, message;
  };
  const Case cases[] = {
      {"{\"a\":", "bad-json", "line 2, column 6: the text ends inside an object"},
      {"\"abc", "bad-json", "line 2, column 1: this string is not closed"},
      {"{\"a\":1} x", "bad-json", "line 2, column 9: expected nothing more after the value"},
      {"1 2", "bad-json", "line 2, column 3: expected nothing more after the value"},
      {"[1,", "bad-json", "line 2, column 4: the text ends inside a list"},
      {"\"\xC3\xA9\xFF\"", "bad-utf8", "line 2, column 3: not UTF-8"},
      {"{\"a\":\"\\x\"}", "bad-json", "line 2, column 7: there is no such escape"},
      {"\"a\tb\"", "bad-json", "line 2, column 3: control characters must be escaped inside a string"},
      {std::string("1\0", 2), "bad-json", "line 2, column 2: expected the end of a number, found a NUL byte"},
      {"\\", "bad-json", "line 2, column 1: expected a value"},
      {"]", "bad-json", "line 2, column 1: expected a value"},
  };
  for (const Case& c : cases) {
    // With a neighbour that is good, one that is bad as well, and one with a backslash.
    std::vector<Seen> seen = read_all("[1]\n" + c.line + "\n{\"k\":\"\\n\"}\n" + c.line + "\n[2]\n");
    ASSERT_EQ(seen.size(), 5u) << c.line;
    EXPECT_EQ(seen[0].json, "[1]");
    EXPECT_EQ(seen[1], (Seen{2, "", c.code, c.message, c.line}));
    EXPECT_EQ(seen[2].json, "{\"k\":\"\\n\"}");
    EXPECT_EQ(seen[3].code, c.code);
    EXPECT_EQ(seen[4], (Seen{5, "[2]", "", "", ""}));
  }
}

TEST(JsonLines, AValueMayNotGoOnInTheNextLine) {
  std::vector<Seen> seen = read_all("{\"a\":\n1}\n[1,\n2]\n");
  ASSERT_EQ(seen.size(), 4u);
  for (const Seen& s : seen) EXPECT_EQ(s.code, "bad-json") << s;
}

TEST(JsonLines, EverySplitGivesTheSameLines) {
  const std::string text = "\xEF\xBB\xBF{\"a\":\"\\u00e9\\\\\"}\r\n\n  [1,2.5]\n\"open\n{\"b\":\"\xE2\x82\xAC\"}\n\"\xFF\"\n12345\n" +
                           std::string(100, '[') + "\n\"" + std::string(300, 'y') + "\"\n{}";
  std::vector<Seen> expected = read_all(text);
  ASSERT_EQ(expected.size(), 9u);
  for (size_t i = 0; i <= text.size(); ++i) EXPECT_EQ(read_pieces({text.substr(0, i), text.substr(i)}), expected) << i;
  for (size_t block = 1; block < 400; ++block) EXPECT_EQ(read_pieces({text}, block), expected) << block;
  std::vector<std::string> bytes;
  for (char c : text) bytes.emplace_back(1, c);
  EXPECT_EQ(read_pieces(bytes, 16), expected);
}

TEST(JsonLines, ALineThatIsTooLongIsPassedOver) {
  const std::string line(1000, '1');
  std::string text = "[1]\n" + line + "\n[2]\n" + line + "1\n[3]\n" + line + line;
  for (size_t block : {16, 100, 1001, 100'000}) {
    std::vector<Seen> seen = read_pieces({text}, block, 1000);
    ASSERT_EQ(seen.size(), 6u) << block;
    EXPECT_EQ(seen[1].json, line);
    EXPECT_EQ(seen[3],
              (Seen{4, "", "line-too-long", "line 4, column 1: longer than 1000 bytes", (line + "1").substr(0, seen[3].text.size())}));
    EXPECT_EQ(seen[4], (Seen{5, "[3]", "", "", ""}));
    EXPECT_EQ(seen[5].code, "line-too-long");
    EXPECT_EQ(seen[5].line, 6u);
  }
}

TEST(JsonLines, ABadLineSaysHowLongItIs) {
  const std::string longer(5000, '1'), bad(100, '[');
  std::string_view data;
  const std::string text = bad + "\n" + longer + "\r\n[2]\n" + longer + "1";
  for (size_t block : {16, 1001, 100'000}) {
    JsonLines reader(block, 1000);
    std::vector<JsonLine> out(1);
    std::vector<uint64_t> bytes;
    data = text;
    while (reader.read(data, true, out)->state == JsonLines::State::kLines) {
      if (!out[0].value) bytes.push_back(out[0].text_bytes);
    }
    EXPECT_EQ(bytes, (std::vector<uint64_t>{100, 5001, 5001})) << block;
  }
}

TEST(JsonLines, OfABadLineAtMostFourKilobytesAreKept) {
  std::vector<Seen> seen = read_all(std::string(100'000, '[') + "\n");
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].text.size(), 4096u);
}

TEST(JsonLines, VeryLongLinesAreRead) {
  std::string text = "[\"" + std::string(size_t{20} << 20, 'x') + "\"]";
  std::vector<Seen> seen = read_all("1\n" + text + "\n2\n" + text + "]\n3");
  ASSERT_EQ(seen.size(), 5u);
  EXPECT_EQ(seen[1].json.size(), text.size());
  EXPECT_EQ(seen[3].code, "bad-json");
  EXPECT_EQ(seen[4].json, "3");
}

TEST(JsonLines, ALineOfManyPositionsIsWalkedToItsEnd) {
  std::string list = "[";
  for (int i = 0; i < 400'000; ++i) list += "1,";
  list += "1]";
  const std::string deep = std::string(1'000'000, '[') + std::string(1'000'000, ']');
  const std::vector<Seen> seen = read_all("1\n" + list + "\n" + deep + "\n2\n");
  ASSERT_EQ(seen.size(), 4u);
  EXPECT_EQ(seen[1].json, list);
  EXPECT_EQ(seen[2].code, "bad-json");
  EXPECT_EQ(seen[3].json, "2");
}

TEST(JsonLines, EveryLineIsJudgedAsIfItWereAlone) {
  std::mt19937 random(7);
  const std::string kBytes = "{}[]:,\"\\ 019.-eatruefalsn\xC3\xA9\r\t";
  const std::string kGood[] = {"{\"a\":[1,\"\\n\"]}", "\"\\\\\"", "true", "-1.5e3", "[]", "\"\\\"\"", "{\"\xC3\xA9\":null}"};
  for (int round = 0; round < 3000; ++round) {
    std::vector<std::string> lines;
    std::string text;
    for (int i = 0; i < 20; ++i) {
      std::string line = kGood[random() % std::size(kGood)];
      if (random() % 4 == 0) line[random() % line.size()] = kBytes[random() % kBytes.size()];
      text += line + "\n";
      lines.push_back(std::move(line));
    }
    std::vector<Seen> seen = read_all(text);
    size_t at = 0;
    for (size_t i = 0; i < lines.size(); ++i) {
      if (lines[i].find_first_not_of(" \r\t") == std::string::npos) continue;
      ASSERT_LT(at, seen.size());
      ASSERT_EQ(seen[at].line, i + 1);
      ASSERT_EQ(seen[at].code.empty(), Value::parse(lines[i]).has_value()) << lines[i] << " in\n" << text;
      ++at;
    }
    ASSERT_EQ(at, seen.size());
  }
}

TEST(JsonLines, ReadsDescriptorsAndSaysWhenToWait) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_NONBLOCK), 0);
  JsonLines reader;
  std::vector<JsonLine> out(8);
  auto write = [&](std::string_view s) { ASSERT_EQ(::write(ends[1], s.data(), s.size()), static_cast<ssize_t>(s.size())); };
  EXPECT_EQ(reader.read(ends[0], out)->state, JsonLines::State::kWait);
  write("1\n2\n[3");
  auto got = reader.read(ends[0], out).value();
  EXPECT_EQ(got.count, 2u);
  EXPECT_EQ(reader.read(ends[0], out)->state, JsonLines::State::kWait);
  write("]");
  ::close(ends[1]);
  got = reader.read(ends[0], out).value();
  ASSERT_EQ(got.count, 1u);
  EXPECT_EQ(out[0].value.json(), "[3]");
  EXPECT_EQ(out[0].line, 3u);
  EXPECT_EQ(reader.read(ends[0], out)->state, JsonLines::State::kEnd);
  EXPECT_EQ(reader.read(ends[0], out)->state, JsonLines::State::kEnd);
  EXPECT_EQ(reader.bytes_read(), 7u);
  ::close(ends[0]);
}

TEST(JsonLines, AnUnreadableDescriptorIsAnError) {
  int folder = ::open("/", O_RDONLY | O_DIRECTORY);
  std::vector<JsonLine> out(1);
  auto got = JsonLines().read(folder, out);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().message, "the input cannot be read: Is a directory");
  ::close(folder);
}

}  // namespace
}  // namespace heddle
