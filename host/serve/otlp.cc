#include "serve/otlp.h"

#include <algorithm>
#include <cmath>

#include "log.h"
#include "value/json_value.h"

namespace heddle {
namespace {

constexpr int64_t kCumulative = 2;  // AGGREGATION_TEMPORALITY_CUMULATIVE

// 64 bits do not fit into the numbers of every reader of JSON: they are texts.
Value whole(uint64_t n) { return json_text(std::to_string(n)); }

Value time_of(uint64_t ms) { return whole(ms * 1'000'000); }

// What JSON has no number for is said as the JSON encoding of Protobuf does.
Value real(double d) {
  if (std::isinf(d)) return json_text(d > 0 ? "Infinity" : "-Infinity");
  const auto value = Value::number(d);
  return value ? *value : json_text("NaN");
}

Value attributes(const std::vector<std::pair<std::string, std::string>>& all) {
  std::vector<Value> out;
  for (const auto& [key, value] : all) out.push_back(json_object({{"key", json_text(key)}, {"value", json_object({{"stringValue", json_text(value)}})}}));
  return Value::list(std::move(out));
}

using Members = std::vector<std::pair<std::string, Value>>;

Members counter_point(const Metric::Sample& sample) { return {{"asInt", whole(static_cast<uint64_t>(sample.value))}}; }
Members gauge_point(const Metric::Sample& sample) { return {{"asDouble", real(sample.value)}}; }

Members histogram_point(const Metric::Sample& sample) {
  std::vector<Value> counts, bounds;
  uint64_t before = 0;
  for (size_t i = 0; i < sample.at_most.size(); ++i) {
    counts.push_back(whole(sample.at_most[i] - before));
    bounds.push_back(real(kMetricBounds[i]));
    before = sample.at_most[i];
  }
  counts.push_back(whole(sample.count - before));
  return {{"count", whole(sample.count)}, {"sum", real(sample.sum)}, {"bucketCounts", Value::list(std::move(counts))}, {"explicitBounds", Value::list(std::move(bounds))}};
}

Value points(const Metric& metric, OtlpMoment moment, Members (*form)(const Metric::Sample&)) {
  std::vector<Value> out;
  for (const Metric::Sample& sample : metric.samples) {
    Members point = {{"attributes", attributes(sample.labels)}};
    if (metric.kind != Metric::Kind::kGauge) point.emplace_back("startTimeUnixNano", time_of(moment.started_ms));
    point.emplace_back("timeUnixNano", time_of(moment.now_ms));
    for (auto& member : form(sample)) point.push_back(std::move(member));
    out.push_back(json_object(std::move(point)));
  }
  return Value::list(std::move(out));
}

// The member of a metric that says what kind it is, and its data.
std::pair<std::string, Value> data(const Metric& metric, OtlpMoment moment) {
  const std::pair<std::string, Value> temporality = {"aggregationTemporality", Value::integer(kCumulative)};
  switch (metric.kind) {
    case Metric::Kind::kCounter:
      return {"sum", json_object({{"dataPoints", points(metric, moment, counter_point)}, temporality, {"isMonotonic", Value::boolean(true)}})};
    case Metric::Kind::kHistogram:
      return {"histogram", json_object({{"dataPoints", points(metric, moment, histogram_point)}, temporality})};
    case Metric::Kind::kGauge:
      break;
  }
  return {"gauge", json_object({{"dataPoints", points(metric, moment, gauge_point)}})};
}

constexpr int64_t kFailed = 2;  // STATUS_CODE_ERROR
// SPAN_FLAGS: the flags of W3C, whether it is known that the parent is on another host, and that it is.
constexpr uint64_t kSampledFlag = 1, kKnownFlag = 0x100, kRemoteFlag = 0x200;

Value attribute(const TraceSpan::Attribute& one) {
  const auto* const text = std::get_if<std::string>(&one.second);
  Value value = text ? json_object({{"stringValue", json_text(log::redacted(*text))}}) : json_object({{"intValue", json_text(std::to_string(std::get<int64_t>(one.second)))}});
  return json_object({{"key", json_text(one.first)}, {"value", std::move(value)}});
}

Value span_value(const TraceSpan& span, uint64_t zero_ns) {
  std::vector<Value> all;
  for (const TraceSpan::Attribute& one : span.attributes) all.push_back(attribute(one));
  Members members = {{"traceId", json_text(span.context.trace_id())}, {"spanId", json_text(span_id_text(span.context.span))}};
  if (!span.context.state.empty()) members.emplace_back("traceState", json_text(span.context.state));
  if (span.parent) members.emplace_back("parentSpanId", json_text(span_id_text(span.parent)));
  const bool is_from_afar = span.parent && span.kind == TraceSpan::Kind::kServer;
  members.emplace_back("flags", json_count(kSampledFlag | kKnownFlag | (is_from_afar ? kRemoteFlag : 0)));
  members.emplace_back("name", json_text(log::redacted(span.name)));
  members.emplace_back("kind", json_count(static_cast<uint64_t>(span.kind)));
  members.emplace_back("startTimeUnixNano", whole(zero_ns + span.begin_ns));
  members.emplace_back("endTimeUnixNano", whole(zero_ns + std::max(span.begin_ns, span.end_ns)));
  members.emplace_back("attributes", Value::list(std::move(all)));
  if (!span.error.empty()) members.emplace_back("status", json_object({{"code", Value::integer(kFailed)}, {"message", json_text(log::redacted(span.error))}}));
  return json_object(std::move(members));
}

// What both kinds of request look like around their list: "resourceMetrics" of "scopeMetrics" of "metrics".
Value request(const char* of_resources, const char* of_scopes, const char* name, std::vector<Value> list, const ResourceAttributes& resource, std::string_view version) {
  const Value scope = json_object({{"scope", json_object({{"name", json_text("heddle")}, {"version", json_text(version)}})}, {name, Value::list(std::move(list))}});
  const Value of_resource = json_object({{"resource", json_object({{"attributes", attributes(resource)}})}, {of_scopes, Value::list({scope})}});
  return json_object({{of_resources, Value::list({of_resource})}});
}

}  // namespace

Value otlp_spans(const std::vector<TraceSpan>& spans, const ResourceAttributes& resource, std::string_view version, uint64_t zero_ns) {
  std::vector<Value> list;
  for (const TraceSpan& span : spans) list.push_back(span_value(span, zero_ns));
  return request("resourceSpans", "scopeSpans", "spans", std::move(list), resource, version);
}

Value otlp_metrics(const std::vector<Metric>& metrics, const ResourceAttributes& resource, std::string_view version, OtlpMoment moment) {
  std::vector<Value> list;
  for (const Metric& metric : metrics) {
    const std::string_view unit = metric.unit.empty() ? "1" : std::string_view(metric.unit);
    list.push_back(json_object({{"name", json_text(metric.name)}, {"description", json_text(metric.help)}, {"unit", json_text(unit)}, data(metric, moment)}));
  }
  return request("resourceMetrics", "scopeMetrics", "metrics", std::move(list), resource, version);
}

std::string otlp_complaint(const Value& answer) {
  const Value partial = answer.find("partialSuccess");
  if (!partial) return {};
  const Value spans = partial.find("rejectedSpans"), rejected = spans ? spans : partial.find("rejectedDataPoints"), message = partial.find("errorMessage");
  std::string number = rejected ? std::string(rejected.as_text().value_or("")) : "";
  if (number.empty() && rejected) number = std::to_string(rejected.as_int().value_or(0));
  const std::string words(message ? message.as_text().value_or("") : "");
  if (number.empty() || number == "0") return words;
  return number + (spans ? " spans" : " data points") + " were refused" + (words.empty() ? "" : ": " + words);
}

}  // namespace heddle
