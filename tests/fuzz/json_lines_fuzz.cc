// However a stream of JSON lines is cut into pieces and blocks, the lines are the same; and a line is good exactly if it is good alone.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "value/json_lines.h"
#include "value/value.h"

namespace {

using heddle::JsonLine;
using heddle::JsonLines;
using heddle::Value;

struct Seen {
  uint64_t line;
  std::string json, code, message;
  bool operator==(const Seen&) const = default;
};

void require(bool ok, const char* what) {
  if (ok) return;
  std::fprintf(stderr, "broken promise: %s\n", what);
  std::abort();
}

// Feeds `text` in pieces of `piece` bytes to a reader of `block` bytes.
std::vector<Seen> read_all(std::string_view text, size_t piece, size_t block) {
  JsonLines reader(block);
  std::vector<JsonLine> out(5);
  std::vector<Seen> seen;
  for (;;) {
    std::string_view part = text.substr(0, piece);
    text.remove_prefix(part.size());
    bool last = text.empty();
    for (;;) {
      auto got = reader.read(part, last, out);
      require(got.has_value(), "memory is read without an I/O error");
      for (size_t i = 0; i < got->count; ++i) seen.push_back({out[i].line, out[i].value.json(), out[i].error.code, out[i].error.message});
      if (got->state == JsonLines::State::kEnd) return seen;
      if (got->state == JsonLines::State::kWait) break;
    }
  }
}

// Touches everything inside `v`; texts are at most Value::kMaxDepth deep.
void look_inside(const Value& v) {
  v.as_text();
  v.as_float();
  bool is_map = v.kind() == HEDDLE_MAP;
  if (!is_map && v.kind() != HEDDLE_LIST) return;
  std::string_view key;
  for (size_t i = 0; i < v.size(); ++i) {
    Value member = v.at(i, &key);
    require(static_cast<bool>(member), "every member up to size() is there");
    if (is_map) require(v.find(key).get() == member.get(), "a member is found by its key");
    look_inside(member);
  }
}

void check_alone(std::string_view line, const Seen& seen) {
  auto alone = Value::parse(line);
  require(alone.has_value() == seen.code.empty(), "a line is good in a stream exactly if it is good alone");
  if (!alone) {
    require(alone.error().code == seen.code, "a line is refused for the same reason in a stream and alone");
    return;
  }
  require(alone->json() == seen.json, "a line has the same text in a stream and alone");
  require(Value::parse(alone->json()).value() == *alone, "what is written reads back as the same");
  look_inside(*alone);
}

void check_lines(std::string_view text, const std::vector<Seen>& seen) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  size_t next = 0;
  for (uint64_t number = 1; !text.empty(); ++number) {
    size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    bool blank = line.find_first_not_of(" \t\r") == line.npos;
    bool there = next < seen.size() && seen[next].line == number;
    require(there != blank, "every line that is not blank is given, with its number");
    if (there) check_alone(line, seen[next++]);
  }
  require(next == seen.size(), "no line is given that is not there");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  // Where to cut: anywhere, but the same at every run.
  size_t seed = std::hash<std::string_view>()(text);
  size_t piece = 1 + seed % 256, block = 1 + seed / 256 % 256;
  std::vector<Seen> seen = read_all(text, size + 1, size + 1);
  require(read_all(text, piece, block) == seen, "cutting the stream elsewhere changes nothing");
  check_lines(text, seen);
  return 0;
}
