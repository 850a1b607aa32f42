// What the host tells a collector of OpenTelemetry: its metrics, and its spans.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "serve/otlp_export.h"
#include "tracer.h"

namespace heddle {

// All of them each time, as `metrics` gives them: what a request that was lost had to say is in the next one, for sums and histograms are cumulative.
std::unique_ptr<OtlpSource> metrics_source(std::function<Value()> metrics);

// A batch each time, until it is told. `tracer` outlives it.
std::unique_ptr<OtlpSource> spans_source(Tracer& tracer, ResourceAttributes resource, std::string version);

// [setup] The export of what `tracer` records, which outlives it; as OtlpExport::open.
Result<std::unique_ptr<OtlpExport>> open_span_export(const TraceSettings& settings, const Catalog& catalog, Lanes& lanes, Tracer& tracer, std::string version);

}  // namespace heddle
