// Any bytes as JSON lines: the pieces they arrive in make no difference, and every good line is read, walked and written without a crash.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "value/json_lines.h"

namespace {

using namespace heddle;

// "line:text" of each good line, "line!" of each bad one.
std::vector<std::string> read_all(std::string_view data, size_t piece) {
  std::vector<std::string> out;
  JsonLines lines(4096);
  std::array<JsonLine, 7> got;
  while (true) {
    std::string_view head = data.substr(0, piece);
    bool last = head.size() == data.size();
    data.remove_prefix(head.size());
    while (true) {
      Result<JsonLines::Got> result = lines.read(head, last, got);
      if (!result) std::abort();
      if (result->state == JsonLines::State::kEnd) return out;
      if (result->state == JsonLines::State::kWait) break;
      for (size_t i = 0; i < result->count; ++i) {
        std::string line = std::to_string(got[i].line);
        if (got[i].value) {
          out.push_back(line + ":" + got[i].value.json());
        } else {
          if (got[i].error.message.empty()) std::abort();
          out.push_back(line + "!");
        }
      }
    }
  }
}

void walk(const Value& v, int depth) {
  (void)v.as_text();
  (void)v.as_float();
  (void)v.weight();
  if (depth > 20) return;
  std::string_view key;
  for (size_t i = 0, n = v.kind() == HEDDLE_LIST || v.kind() == HEDDLE_MAP ? v.size() : 0; i < n; ++i) {
    Value element = v.at(i, &key);
    if (v.kind() == HEDDLE_MAP && !v.find(key)) std::abort();
    walk(element, depth + 1);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  std::vector<std::string> whole = read_all(text, size + 1), pieces = read_all(text, size / 3 + 1);
  if (whole != pieces) std::abort();
  for (const std::string& line : whole) {
    size_t colon = line.find(':');
    if (colon == line.npos || line.find('!') < colon) continue;
    Result<Value> value = Value::parse(std::string_view(line).substr(colon + 1));
    if (!value) std::abort();
    walk(*value, 0);
    if (!(*value == *value)) std::abort();
  }
  return 0;
}
