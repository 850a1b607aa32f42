#include "cli/event_feed.h"

namespace heddle {

void EventFeed::add(std::string_view bytes) {
  while (!bytes.empty()) {
    const size_t end = bytes.find('\n');
    rest_.append(bytes.substr(0, end));
    if (end == std::string_view::npos) return;
    bytes.remove_prefix(end + 1);
    if (rest_.ends_with('\r')) rest_.pop_back();
    line(rest_);
    rest_.clear();
  }
}

void EventFeed::line(std::string_view line) {
  if (line.empty()) {
    if (has_data_) take_(std::move(event_));
    event_ = {};
    has_data_ = false;
    return;
  }
  const size_t colon = line.find(':');
  const std::string_view field = line.substr(0, colon);
  std::string_view value = colon == std::string_view::npos ? std::string_view() : line.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (field == "event") event_.name = value;
  if (field == "id") event_.id = value;
  if (field != "data") return;
  event_.data.append(has_data_ ? "\n" : "").append(value);
  has_data_ = true;
}

}  // namespace heddle
