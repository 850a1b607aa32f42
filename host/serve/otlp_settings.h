// OtlpSettings: where metrics or spans are exported to and how, as OTEL_* of the environment says it (OpenTelemetry specification 1.55.0, "OpenTelemetry Protocol Exporter" and
// "Environment Variable Specification"). OTEL_EXPORTER_OTLP_METRICS_X, or OTEL_EXPORTER_OTLP_TRACES_X, goes before OTEL_EXPORTER_OTLP_X.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "plugin/channel.h"
#include "serve/otlp.h"
#include "tracer.h"

namespace heddle {

struct OtlpSettings {
  std::string endpoint = {};  // "http://collector:4318"
  std::string path = {};      // "/v1/metrics", "/v1/traces"
  Texts headers = {};         // secrets; redacted from here on
  std::optional<ChannelTls> tls = {};
  uint64_t interval_ms = 60'000;
  uint64_t timeout_ms = 10'000;
  ResourceAttributes resource = {};
};

struct TraceSettings {
  OtlpSettings otlp = {};  // its interval: from one export to the next, where no batch is full before
  Sampler sampler = {};
  uint64_t most = 2'048;   // spans that wait
  uint64_t batch = 512;    // spans in one request
};

// None: no endpoint is set, what is set is no URL, or it is forbidden. What cannot be used is said in `warnings`, and left alone, as the specification wants it: a mistake in the
// environment of a service is no reason for it not to run. `variable` gives null for one that is not set; `version` is that of the host.
using Environment = std::function<const char*(const char*)>;
std::optional<OtlpSettings> read_otlp_settings(const Environment& variable, const std::string& version, std::vector<std::string>& warnings);
// The same of spans. A warning that is there already is not said again.
std::optional<TraceSettings> read_trace_settings(const Environment& variable, const std::string& version, std::vector<std::string>& warnings);

}  // namespace heddle
