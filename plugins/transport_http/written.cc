#include "written.h"

#include <algorithm>

namespace transport_http {
namespace {

using heddle::sdk::ValueRef;

// A field of an event: one line each, whatever lines the text has.
void append_field(std::string_view name, std::string_view text, std::string& out) {
  for (;;) {
    const size_t end = std::min(text.find_first_of("\r\n"), text.size());
    out.append(name).append(": ").append(text.substr(0, end)).append("\n");
    if (end == text.size()) return;
    text.remove_prefix(end + (text.substr(end, 2) == "\r\n" ? 2 : 1));
  }
}

void append_event(ValueRef event, std::string& out) {
  for (const std::string_view name : {"event", "id"}) {
    const auto text = event.find(name).as_text();
    if (text) append_field(name, text->substr(0, text->find_first_of("\r\n")), out);
  }
  const ValueRef data = event.find("data");
  if (data) append_field("data", data.is(HEDDLE_STRING) ? *data.as_text() : data.json(), out);
  out += '\n';
}

}  // namespace

void append_written(std::string_view content_type, ValueRef value, std::string& out) {
  if (!value) return;
  if (const auto bytes = value.as_bytes()) {
    out.append(reinterpret_cast<const char*>(bytes->data()), bytes->size());
  } else if (content_type == "text/event-stream") {
    append_event(value, out);
  } else if (content_type == "application/json") {
    out += value.json();
  } else if (content_type == "application/x-ndjson") {
    const size_t begin = out.size();
    out += value.json();
    std::replace_if(out.begin() + static_cast<std::ptrdiff_t>(begin), out.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
    out += '\n';
  } else {
    const auto text = value.as_text();
    out += text ? *text : value.json();
  }
}

}  // namespace transport_http
