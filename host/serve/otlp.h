// OTLP: metrics and spans as the body of an ExportMetricsServiceRequest, or an ExportTraceServiceRequest, in the JSON encoding of the OpenTelemetry protocol (OTLP specification 1.9.0,
// "JSON Protobuf Encoding").
//
// Sums and histograms are cumulative since the start of the process, so that a request that was lost costs nothing but its moment. Names are those of GET /metrics.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "result.h"
#include "serve/metrics.h"
#include "tracer.h"
#include "value/value.h"

namespace heddle {

// Who says it: "service.name" and the like.
using ResourceAttributes = std::vector<std::pair<std::string, std::string>>;

struct OtlpMoment {
  uint64_t started_ms = 0, now_ms = 0;  // CLOCK_REALTIME
};
Value otlp_metrics(const std::vector<Metric>& metrics, const ResourceAttributes& resource, std::string_view version, OtlpMoment moment);

// `zero_ns`: CLOCK_REALTIME when CLOCK_MONOTONIC was 0. No text of a span has a registered secret in it.
Value otlp_spans(const std::vector<TraceSpan>& spans, const ResourceAttributes& resource, std::string_view version, uint64_t zero_ns);

// What the collector did not take although it answered OK ("partialSuccess"), or did take and has a word about. Empty: all is well.
std::string otlp_complaint(const Value& answer);

}  // namespace heddle
