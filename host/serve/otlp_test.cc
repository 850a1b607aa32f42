#include "serve/otlp.h"

#include <gtest/gtest.h>

#include <limits>

#include "log.h"

namespace heddle {
namespace {

std::string encoded(const Metric& metric) {
  const Value request = otlp_metrics({metric}, {}, "1.2.3", {.started_ms = 1000, .now_ms = 61'500});
  return request.find("resourceMetrics").at(0).find("scopeMetrics").at(0).find("metrics").at(0).json();
}

TEST(Otlp, ACounterIsAMonotonicCumulativeSum) {
  EXPECT_EQ(encoded({.kind = Metric::Kind::kCounter, .name = "jobs_total", .help = "Jobs.", .samples = {{.labels = {{"lane", "default"}}, .value = 7}, {.labels = {{"lane", "a"}, {"b", "ü"}}, .value = 0}}}),
            R"({"name":"jobs_total","description":"Jobs.","unit":"1","sum":{"dataPoints":[)"
            R"({"attributes":[{"key":"lane","value":{"stringValue":"default"}}],"startTimeUnixNano":"1000000000","timeUnixNano":"61500000000","asInt":"7"},)"
            R"({"attributes":[{"key":"lane","value":{"stringValue":"a"}},{"key":"b","value":{"stringValue":"ü"}}],"startTimeUnixNano":"1000000000","timeUnixNano":"61500000000","asInt":"0"}],)"
            R"("aggregationTemporality":2,"isMonotonic":true}})");
}

TEST(Otlp, AGaugeIsANumberOfThisMoment) {
  EXPECT_EQ(encoded({.kind = Metric::Kind::kGauge, .name = "waits_seconds", .help = "", .unit = "s", .samples = {{.value = 0.5}}}),
            R"({"name":"waits_seconds","description":"","unit":"s","gauge":{"dataPoints":[{"attributes":[],"timeUnixNano":"61500000000","asDouble":0.5}]}})");
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_NE(encoded({.kind = Metric::Kind::kGauge, .samples = {{.value = infinity}}}).find(R"("asDouble":"Infinity")"), std::string::npos);
  EXPECT_NE(encoded({.kind = Metric::Kind::kGauge, .samples = {{.value = -infinity}}}).find(R"("asDouble":"-Infinity")"), std::string::npos);
}

TEST(Otlp, AHistogramHasOneBucketMoreThanBoundsAndCountsEachOnce) {
  Metric::Sample sample{.count = 10, .sum = 2.5};
  for (size_t i = 0; i < std::size(kMetricBounds); ++i) sample.at_most.push_back(i < 4 ? 1 : 8);
  const auto metric = Value::parse(encoded({.kind = Metric::Kind::kHistogram, .name = "run_seconds", .unit = "s", .samples = {sample}}));
  ASSERT_TRUE(metric);
  EXPECT_EQ(metric->find("histogram").find("aggregationTemporality").json(), "2");
  const Value point = metric->find("histogram").find("dataPoints").at(0);
  EXPECT_EQ(point.find("count").json(), R"("10")");
  EXPECT_EQ(point.find("sum").json(), "2.5");
  EXPECT_EQ(point.find("startTimeUnixNano").json(), R"("1000000000")");
  EXPECT_EQ(point.find("timeUnixNano").json(), R"("61500000000")");
  EXPECT_EQ(point.find("bucketCounts").json(), R"(["1","0","0","0","7","0","0","0","0","0","0","0","0","0","0","0","0","0","2"])");
  const Value bounds = point.find("explicitBounds");
  ASSERT_EQ(bounds.size() + 1, point.find("bucketCounts").size());
  for (size_t i = 0; i < bounds.size(); ++i) EXPECT_EQ(bounds.at(i).as_float().value_or(-1), kMetricBounds[i]);
}

TEST(Otlp, SaysWhoSpeaks) {
  EXPECT_EQ(otlp_metrics({}, {{"service.name", "mine"}}, "1.2.3", {}).json(),
            R"({"resourceMetrics":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"mine"}}]},)"
            R"("scopeMetrics":[{"scope":{"name":"heddle","version":"1.2.3"},"metrics":[]}]}]})");
}

TEST(Otlp, ASpanSaysWhatItIsAPartOfAndWhatBecameOfIt) {
  const auto encoded_span = [](const TraceSpan& span) {
    return otlp_spans({span}, {}, "1.2.3", 1'000'000'000'000'000'000).find("resourceSpans").at(0).find("scopeSpans").at(0).find("spans").at(0).json();
  };
  TraceSpan span{.context = *read_trace("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "a=1"), .parent = 0xb7, .kind = TraceSpan::Kind::kServer, .name = "GET /ü"};
  span.begin_ns = 5;
  span.end_ns = 7'000;
  span.attributes = {{"http.route", "/ü"}, {"server.port", int64_t{8080}}};
  EXPECT_EQ(encoded_span(span),
            R"({"traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"00f067aa0ba902b7","traceState":"a=1","parentSpanId":"00000000000000b7","flags":769,"name":"GET /ü","kind":2,)"
            R"("startTimeUnixNano":"1000000000000000005","endTimeUnixNano":"1000000000000007000",)"
            R"("attributes":[{"key":"http.route","value":{"stringValue":"/ü"}},{"key":"server.port","value":{"intValue":"8080"}}]})");
  span = {.context = *read_trace("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"), .name = "run", .begin_ns = 9, .end_ns = 1, .error = "it broke"};
  EXPECT_EQ(encoded_span(span),
            R"({"traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"00f067aa0ba902b7","flags":257,"name":"run","kind":1,)"
            R"("startTimeUnixNano":"1000000000000000009","endTimeUnixNano":"1000000000000000009","attributes":[],"status":{"code":2,"message":"it broke"}})");
}

TEST(Otlp, NoTextOfASpanHasASecretInIt) {
  log::redact("span-secret");
  TraceSpan span{.context = new_trace(true), .name = "to span-secret", .attributes = {{"a", "b span-secret c"}}, .error = "span-secret"};
  const std::string text = otlp_spans({span}, {}, "1", 0).json();
  EXPECT_EQ(text.find("span-secret"), std::string::npos) << text;
  EXPECT_NE(text.find("b *** c"), std::string::npos) << text;
}

TEST(Otlp, HearsWhatACollectorDidNotTake) {
  const auto complaint = [](const char* answer) { return otlp_complaint(*Value::parse(answer)); };
  EXPECT_EQ(complaint("{}"), "");
  EXPECT_EQ(complaint(R"({"partialSuccess":{}})"), "");
  EXPECT_EQ(complaint(R"({"partialSuccess":{"rejectedDataPoints":"0"}})"), "");
  EXPECT_EQ(complaint(R"({"partialSuccess":{"rejectedDataPoints":"3","errorMessage":"too old"}})"), "3 data points were refused: too old");
  EXPECT_EQ(complaint(R"({"partialSuccess":{"rejectedDataPoints":3}})"), "3 data points were refused");
  EXPECT_EQ(complaint(R"({"partialSuccess":{"rejectedSpans":"2","errorMessage":"no tenant"}})"), "2 spans were refused: no tenant");
  EXPECT_EQ(complaint(R"({"partialSuccess":{"errorMessage":"soon to be refused"}})"), "soon to be refused");
  EXPECT_EQ(complaint("[]"), "");
}

}  // namespace
}  // namespace heddle
