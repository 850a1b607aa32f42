#include "bad_item.h"

#include <algorithm>
#include <vector>

namespace node_file {

using heddle::sdk::Value;

namespace {

constexpr size_t kShown = size_t{4} << 10;

// The length of the UTF-8 sequence at the start of `text`; 0: it is none.
size_t sequence(std::string_view text) {
  const auto byte = [&](size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const auto tail = [&](size_t i) { return (byte(i) & 0xC0) == 0x80; };
  const unsigned first = byte(0), second = byte(1);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return tail(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    const bool overlong = first == 0xE0 && second < 0xA0, surrogate = first == 0xED && second > 0x9F;
    return tail(1) && tail(2) && !overlong && !surrogate ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    const bool overlong = first == 0xF0 && second < 0x90, beyond = first == 0xF4 && second > 0x8F;
    return tail(1) && tail(2) && tail(3) && !overlong && !beyond ? 4 : 0;
  }
  return 0;
}

}  // namespace

size_t utf8_fault(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const size_t n = sequence(text.substr(i));
    if (n == 0) return i;
    i += n;
  }
  return std::string_view::npos;
}

std::string repaired_utf8(std::string_view text) {
  std::string whole;
  for (size_t fault = 0; (fault = utf8_fault(text)) != std::string_view::npos; text.remove_prefix(fault + 1)) {
    whole.append(text.substr(0, fault));
    whole.append("\xEF\xBF\xBD");
  }
  return whole.append(text);
}

Emission bad_item(const Fault& fault, std::string_view text, uint64_t bytes) {
  std::vector<Value::Entry> entries;
  entries.push_back({"line", Value::integer(static_cast<int64_t>(fault.line))});
  if (fault.column) entries.push_back({"column", Value::integer(static_cast<int64_t>(fault.column))});
  entries.push_back({"error", Value::string(repaired_utf8(fault.why))});
  entries.push_back({"text", Value::string(repaired_utf8(text.substr(0, kShown)))});
  if (bytes > std::min(text.size(), kShown)) entries.push_back({"text_bytes", Value::integer(static_cast<int64_t>(bytes))});
  return {kBad, Value::map(entries)};
}

}  // namespace node_file
