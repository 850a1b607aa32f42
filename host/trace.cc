#include "trace.h"

#include <sys/random.h>

#include <algorithm>
#include <vector>

namespace heddle {
namespace {

constexpr size_t kLength = 55;        // of version 00, and of what any other begins with
constexpr size_t kMostEntries = 32;   // of a tracestate
constexpr size_t kLongEntry = 128;
constexpr std::string_view kBlank = " \t";

uint64_t random_id() {
  uint64_t id = 0;
  while (id == 0) static_cast<void>(!::getrandom(&id, sizeof id, 0));  // so few bytes are always given
  return id;
}

void append_hex(std::string& out, uint64_t number, int digits) {
  static constexpr char kHex[] = "0123456789abcdef";
  while (digits-- > 0) out += kHex[(number >> (4 * digits)) & 15];
}

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Lower-case digits only: no other is allowed.
bool read_hex(std::string_view text, uint64_t& out) {
  out = 0;
  for (const char c : text) {
    if (!is_digit(c) && !(c >= 'a' && c <= 'f')) return false;
    out = out << 4 | static_cast<uint64_t>(is_digit(c) ? c - '0' : c - 'a' + 10);
  }
  return true;
}

bool is_key_part(std::string_view text, bool digit_first, size_t most) {
  if (text.empty() || text.size() > most || !(is_lower(text[0]) || (digit_first && is_digit(text[0])))) return false;
  return std::all_of(text.begin(), text.end(), [](char c) { return is_lower(c) || is_digit(c) || c == '_' || c == '-' || c == '*' || c == '/'; });
}

// "vendor", or "tenant@vendor".
bool is_key(std::string_view key) {
  const size_t at = key.find('@');
  return at == key.npos ? is_key_part(key, false, 256) : is_key_part(key.substr(0, at), true, 241) && is_key_part(key.substr(at + 1), false, 14);
}

bool is_value(std::string_view value) {
  const auto fits = [](char c) { return c >= ' ' && c <= '~' && c != ',' && c != '='; };
  return !value.empty() && value.size() <= 256 && value.back() != ' ' && std::all_of(value.begin(), value.end(), fits);
}

std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(kBlank);
  return first == text.npos ? std::string_view() : text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

// The entries of a tracestate; none if it breaks a rule.
std::vector<std::string_view> entries_of(std::string_view state) {
  std::vector<std::string_view> entries, keys;
  while (!state.empty()) {
    const size_t end = std::min(state.find(','), state.size());
    const std::string_view entry = trimmed(state.substr(0, end));
    state.remove_prefix(std::min(end + 1, state.size()));
    if (entry.empty()) continue;
    const size_t equals = std::min(entry.find('='), entry.size());
    const std::string_view key = entry.substr(0, equals);
    const bool is_good = equals < entry.size() && is_key(key) && is_value(entry.substr(equals + 1)) && std::find(keys.begin(), keys.end(), key) == keys.end();
    if (!is_good || entries.size() == kMostEntries) return {};
    entries.push_back(entry);
    keys.push_back(key);
  }
  return entries;
}

std::string read_state(std::string_view text) {
  std::vector<std::string_view> entries = entries_of(text);
  size_t size = 0;
  for (const std::string_view entry : entries) size += entry.size() + 1;
  for (size_t i = entries.size(); i-- > 0 && size > TraceContext::kMostState + 1;) {
    if (entries[i].size() <= kLongEntry) continue;
    size -= entries[i].size() + 1;
    entries.erase(entries.begin() + static_cast<ptrdiff_t>(i));
  }
  for (; size > TraceContext::kMostState + 1; entries.pop_back()) size -= entries.back().size() + 1;
  std::string out;
  for (const std::string_view entry : entries) out.append(out.empty() ? "" : ",").append(entry);
  return out;
}

}  // namespace

std::string span_id_text(uint64_t span) {
  std::string out;
  append_hex(out, span, 16);
  return out;
}

std::string TraceContext::trace_id() const { return span_id_text(high) + span_id_text(low); }

std::string TraceContext::traceparent() const { return "00-" + trace_id() + "-" + span_id_text(span) + (sampled ? "-01" : "-00"); }

std::optional<TraceContext> read_trace(std::string_view traceparent, std::string_view tracestate) {
  if (traceparent.size() < kLength || traceparent[2] != '-' || traceparent[35] != '-' || traceparent[52] != '-') return {};
  TraceContext out;
  uint64_t version = 0, flags = 0;
  const bool is_hex = read_hex(traceparent.substr(0, 2), version) && read_hex(traceparent.substr(3, 16), out.high) && read_hex(traceparent.substr(19, 16), out.low) &&
                      read_hex(traceparent.substr(36, 16), out.span) && read_hex(traceparent.substr(53, 2), flags);
  if (!is_hex || version == 0xff || (out.high == 0 && out.low == 0) || out.span == 0) return {};
  // A version to come may have more to say; what is known of it is read as it is now.
  if (traceparent.size() > kLength && (version == 0 || traceparent[kLength] != '-')) return {};
  out.sampled = flags & 1;
  out.state = read_state(tracestate);
  return out;
}

TraceContext new_trace(bool sampled) { return {.high = random_id(), .low = random_id(), .span = random_id(), .sampled = sampled}; }

TraceContext child_of(const TraceContext& parent) {
  TraceContext out = parent;
  out.span = random_id();
  return out;
}

}  // namespace heddle
