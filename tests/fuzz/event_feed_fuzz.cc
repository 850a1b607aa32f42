// However the bytes of a stream of events are cut, the events are the same; and they are those of its lines, read one by one.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "cli/event_feed.h"

namespace {

using Event = std::tuple<std::string, std::string, std::string>;

std::vector<Event> read_in_pieces(std::string_view text, size_t piece) {
  std::vector<Event> out;
  heddle::EventFeed feed([&](heddle::ServerEvent e) { out.emplace_back(std::move(e.name), std::move(e.id), std::move(e.data)); });
  for (; !text.empty(); text.remove_prefix(std::min(piece, text.size()))) feed.add(text.substr(0, piece));
  return out;
}

// What stands behind `field` in a line: `data: x` and `data:x` say the same.
bool is_field(std::string_view line, std::string_view field, std::string& value) {
  if (line.substr(0, line.find(':')) != field) return false;
  line.remove_prefix(std::min(field.size() + 1, line.size()));
  if (!line.empty() && line[0] == ' ') line.remove_prefix(1);
  value = line;
  return true;
}

std::vector<Event> read_lines(std::string_view text) {
  std::vector<Event> out;
  std::string name, id, value;
  std::vector<std::string> data;
  for (size_t end = text.find('\n'); end != text.npos; end = text.find('\n')) {
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end + 1);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (is_field(line, "event", value)) name = value;
    if (is_field(line, "id", value)) id = value;
    if (is_field(line, "data", value)) data.push_back(value);
    if (!line.empty()) continue;
    if (!data.empty()) {
      std::string joined = data[0];
      for (size_t i = 1; i < data.size(); ++i) joined += '\n' + data[i];
      out.emplace_back(name, id, joined);
    }
    name.clear();
    id.clear();
    data.clear();
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::vector<Event> events = read_lines(text);
  if (read_in_pieces(text, size + 1) != events) std::abort();
  if (read_in_pieces(text, 1 + std::hash<std::string_view>()(text) % 64) != events) std::abort();
  return 0;
}
