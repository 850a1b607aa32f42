#include "value/json_value.h"

#include <algorithm>
#include <set>

#include "clock.h"
#include "log.h"

namespace heddle {
namespace {

// Bytes of the valid UTF-8 sequence at the start of `s`, or 0 (RFC 3629: no overlong forms, no surrogates, at most U+10FFFF).
size_t sequence_length(std::string_view s) {
  auto byte = [&](size_t i) { return i < s.size() ? static_cast<unsigned char>(s[i]) : 0u; };
  auto tail = [&](size_t i) { return (byte(i) & 0xC0) == 0x80; };
  unsigned b = byte(0);
  if (b < 0x80) return 1;
  if (b >= 0xC2 && b <= 0xDF) return tail(1) ? 2 : 0;
  if (b >= 0xE0 && b <= 0xEF) {
    if ((b == 0xE0 && byte(1) < 0xA0) || (b == 0xED && byte(1) > 0x9F)) return 0;
    return tail(1) && tail(2) ? 3 : 0;
  }
  if (b >= 0xF0 && b <= 0xF4) {
    if ((b == 0xF0 && byte(1) < 0x90) || (b == 0xF4 && byte(1) > 0x8F)) return 0;
    return tail(1) && tail(2) && tail(3) ? 4 : 0;
  }
  return 0;
}

}  // namespace

std::string repaired_utf8(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    size_t n = sequence_length(text);
    out += n ? text.substr(0, n) : std::string_view("\xEF\xBF\xBD");
    text.remove_prefix(std::max<size_t>(n, 1));
  }
  return out;
}

Value json_text(std::string_view text) {
  Result<Value> made = Value::string(text);
  if (!made) made = Value::string(repaired_utf8(text));
  return made ? std::move(made).value() : Value::null();
}

Value json_count(uint64_t n) { return Value::integer(static_cast<int64_t>(n)); }

Value json_milliseconds(uint64_t ns) {
  const auto ms = Value::number(static_cast<double>(ns) / static_cast<double>(kNsPerMs));
  return ms ? *ms : Value::null();
}

Value json_object(std::vector<std::pair<std::string, Value>> members) {
  constexpr size_t kFew = 16;
  if (members.size() <= kFew) {
    const auto is_again = [&](size_t i) { return std::any_of(members.begin(), members.begin() + static_cast<std::ptrdiff_t>(i), [&](const auto& m) { return m.first == members[i].first; }); };
    for (size_t i = members.size(); i > 0; --i)
      if (is_again(i - 1)) members.erase(members.begin() + static_cast<std::ptrdiff_t>(i - 1));
  } else {
    std::set<std::string> seen;
    std::erase_if(members, [&](const auto& member) { return !seen.insert(member.first).second; });
  }
  Result<Value> made = Value::map(std::move(members));
  return made ? std::move(made).value() : Value::null();
}

Value json_or_text(std::string_view json) {
  Result<Value> parsed = Value::parse(json);
  return parsed ? std::move(parsed).value() : json_text(json);
}

Value error_json(const Error& error) {
  return json_object(
      {{"code", json_text(error.code)}, {"class", json_text(name_of(error.error_class))}, {"message", json_text(log::redacted(error.text()))}});
}

}  // namespace heddle
