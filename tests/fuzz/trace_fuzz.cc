// Any text as a traceparent, and after a line feed as a tracestate: a trace or none; what is read is written so that it is read again as the same, and fits into a header.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "trace.h"

namespace {

void require(bool ok) {
  if (!ok) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const size_t end = std::min(text.find('\n'), text.size());
  const std::string_view state = text.substr(std::min(end + 1, text.size()));
  const auto read = heddle::read_trace(text.substr(0, end), state);
  if (!read) return 0;
  require((read->high != 0 || read->low != 0) && read->span != 0 && read->traceparent().size() == 55);
  require(read->state.size() <= heddle::TraceContext::kMostState && std::all_of(read->state.begin(), read->state.end(), [](char c) { return c >= ' ' && c <= '~'; }));
  require(heddle::read_trace(read->traceparent(), read->state) == read);
  require(heddle::child_of(*read).trace_id() == read->trace_id());
  return 0;
}
