#include "parts.h"

#include <algorithm>
#include <vector>

namespace transport_http {

using heddle::sdk::Value;

namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

Value bytes(std::string_view text) { return Value::bytes(std::as_bytes(std::span(text))); }

}  // namespace

Parts::Parts(std::string_view content_type, size_t most_bytes, Deliver deliver)
    : kind_(content_type == "application/x-ndjson" ? Kind::kLines : content_type == "text/event-stream" ? Kind::kEvents : Kind::kBytes),
      most_(most_bytes),
      deliver_(std::move(deliver)) {}

bool Parts::take(std::string_view text) {
  if (kind_ == Kind::kBytes) return text.empty() || deliver_(bytes(text));
  while (!text.empty()) {
    if (std::exchange(after_cr_, false) && text[0] == '\n') {
      text.remove_prefix(1);
      continue;
    }
    // Lines of JSON end in LF; those of events in CR, LF, or both.
    const size_t end = kind_ == Kind::kLines ? text.find('\n') : text.find_first_of("\r\n");
    const size_t size = std::min(end, text.size());
    too_large_ = line_.size() + size > most_;
    if (too_large_) return false;
    line_.append(text.substr(0, size));
    if (end == text.npos) return true;
    after_cr_ = text[end] == '\r';
    text.remove_prefix(end + 1);
    const std::string line = std::exchange(line_, {});
    if (!take_line(line)) return false;
  }
  return true;
}

bool Parts::end() { return kind_ != Kind::kLines || line_.empty() || take_line(std::exchange(line_, {})); }

bool Parts::take_line(std::string_view line) {
  if (kind_ == Kind::kEvents) {
    if (std::exchange(first_, false) && line.starts_with(kByteOrderMark)) line.remove_prefix(kByteOrderMark.size());
    return line.empty() ? dispatch() : add_field(line);
  }
  const bool blank = line.find_first_not_of(" \t\r") == line.npos;
  return blank || deliver_(bytes(line));
}

bool Parts::add_field(std::string_view line) {
  const size_t colon = std::min(line.find(':'), line.size());
  const std::string_view field = line.substr(0, colon);
  std::string_view text = line.substr(std::min(colon + 1, line.size()));
  if (text.starts_with(' ')) text.remove_prefix(1);
  if (field == "event") {
    name_ = text;
  } else if (field == "id" && text.find('\0') == text.npos) {
    id_ = text;
    has_id_ = true;
  } else if (field == "data") {
    too_large_ = data_.size() + text.size() > most_;
    if (too_large_) return false;
    if (std::exchange(has_data_, true)) data_ += '\n';
    data_ += text;
  }
  return true;  // a comment, "retry", and what nobody knows are passed over
}

bool Parts::dispatch() {
  const std::string name = std::exchange(name_, {}), id = std::exchange(id_, {}), data = std::exchange(data_, {});
  const bool has_id = std::exchange(has_id_, false);
  if (!std::exchange(has_data_, false)) return true;
  std::vector<Value::Entry> event;
  if (!name.empty()) event.push_back({"event", Value::string(name)});
  if (has_id) event.push_back({"id", Value::string(id)});
  event.push_back({"data", Value::string(data)});
  return deliver_(Value::map(event));
}

}  // namespace transport_http
