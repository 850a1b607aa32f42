// The trace of which a program is a part that was started with TRACEPARENT, and perhaps TRACESTATE, in its environment (OpenTelemetry specification, "Environment Variables as
// Context Propagation Carriers").
#pragma once
#include <cstdlib>
#include <optional>

#include "trace.h"

namespace heddle {

inline std::optional<TraceContext> trace_of_environment() {
  const char *const parent = std::getenv("TRACEPARENT"), *const state = std::getenv("TRACESTATE");
  return read_trace(parent ? parent : "", state ? state : "");
}

}  // namespace heddle
