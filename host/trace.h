// TraceContext: where a piece of work stands in a trace that may lead over many hosts, as W3C Trace Context (https://www.w3.org/TR/trace-context/, version 00) writes it.
// Here alone it is read and written.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace heddle {

struct TraceContext {
  uint64_t high = 0, low = 0;  // the trace's id; never both 0
  uint64_t span = 0;           // the id of what is being done; never 0
  bool sampled = false;        // it is recorded, by those who record
  std::string state = {};      // "tracestate": what others add for themselves, handed on as it is; at most kMostState bytes

  static constexpr size_t kMostState = 512;

  // "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
  std::string traceparent() const;
  std::string trace_id() const;  // 32 hexadecimal digits
  bool operator==(const TraceContext&) const = default;
};

std::string span_id_text(uint64_t span);  // 16 hexadecimal digits

// Both as they came; empty: it did not. None: there is no `traceparent`, or none that can be trusted: then a new trace begins. A `tracestate` that breaks a rule is left out, one that
// is too long loses its long entries first, then its last ones.
std::optional<TraceContext> read_trace(std::string_view traceparent, std::string_view tracestate = {});

// [any] With random ids.
TraceContext new_trace(bool sampled);
// [any] A part of it: the same trace, a new span.
TraceContext child_of(const TraceContext& parent);

}  // namespace heddle
