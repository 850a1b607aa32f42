#include "serve/otlp_settings.h"

#include <gtest/gtest.h>

#include <map>

#include "log.h"

namespace heddle {
namespace {

struct Read {
  std::optional<OtlpSettings> settings;
  std::vector<std::string> warnings;
};

Read read(const std::map<std::string, std::string>& environment) {
  Read out;
  out.settings = read_otlp_settings(
      [&](const char* name) {
        const auto found = environment.find(name);
        return found == environment.end() ? nullptr : found->second.c_str();
      },
      "1.2.3", out.warnings);
  return out;
}

OtlpSettings good(std::map<std::string, std::string> environment) {
  environment.emplace("OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:4318");
  Read said = read(environment);
  EXPECT_EQ(said.warnings, std::vector<std::string>());
  EXPECT_TRUE(said.settings);
  return said.settings.value_or(OtlpSettings());
}

std::string where(const std::string& variable, const std::string& url) {
  const Read said = read({{variable, url}});
  return said.settings ? said.settings->endpoint + " " + said.settings->path : said.warnings.empty() ? "off" : "refused";
}

TEST(OtlpSettings, WithoutAnEndpointThereAreNone) {
  const Read said = read({{"OTEL_SERVICE_NAME", "x"}, {"OTEL_EXPORTER_OTLP_ENDPOINT", ""}, {"OTEL_EXPORTER_OTLP_TIMEOUT", "wrong"}});
  EXPECT_FALSE(said.settings);
  EXPECT_EQ(said.warnings, std::vector<std::string>());
}

TEST(OtlpSettings, CanBeForbidden) {
  const auto is_off = [](const char* variable, const char* text) { return !read({{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:1"}, {variable, text}}).settings; };
  EXPECT_TRUE(is_off("OTEL_SDK_DISABLED", "True"));
  EXPECT_TRUE(is_off("OTEL_METRICS_EXPORTER", "none"));
  EXPECT_FALSE(is_off("OTEL_SDK_DISABLED", "1"));
  EXPECT_FALSE(is_off("OTEL_METRICS_EXPORTER", "otlp"));
}

TEST(OtlpSettings, ThePathOfMetricsIsAddedToABaseAndNotToTheirOwnEndpoint) {
  const std::string base = "OTEL_EXPORTER_OTLP_ENDPOINT", own = "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT";
  EXPECT_EQ(where(base, "http://localhost:4318"), "http://localhost:4318 /v1/metrics");
  EXPECT_EQ(where(base, "http://localhost:4318/"), "http://localhost:4318 /v1/metrics");
  EXPECT_EQ(where(base, "https://c.example/otlp//"), "https://c.example /otlp/v1/metrics");
  EXPECT_EQ(where(own, "http://c:1/take/them"), "http://c:1 /take/them");
  EXPECT_EQ(where(own, "http://c:1"), "http://c:1 /");
  EXPECT_EQ(good({{own, "http://other:2/m"}}).endpoint, "http://other:2");
  for (const char* const wrong : {"localhost:4318", "ftp://x", "http://", "http:///v1", "http://user:word@x", "http://x/?a=b", "http://x y"}) EXPECT_EQ(where(base, wrong), "refused") << wrong;
}

TEST(OtlpSettings, HaveTheDefaultsOfTheSpecification) {
  const OtlpSettings settings = good({});
  EXPECT_EQ(settings.interval_ms, 60'000u);
  EXPECT_EQ(settings.timeout_ms, 10'000u);
  EXPECT_EQ(settings.headers, Texts());
  EXPECT_EQ(settings.resource, (ResourceAttributes{{"service.name", "heddle"}, {"service.version", "1.2.3"}}));
  EXPECT_FALSE(settings.tls);
}

TEST(OtlpSettings, WhatIsSaidOfMetricsGoesBeforeWhatIsSaidOfAll) {
  const OtlpSettings settings = good({{"OTEL_EXPORTER_OTLP_TIMEOUT", "5"}, {"OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", "7"}, {"OTEL_EXPORTER_OTLP_HEADERS", "a=1"},
                                      {"OTEL_EXPORTER_OTLP_METRICS_HEADERS", "b=2"}, {"OTEL_METRIC_EXPORT_INTERVAL", "9"}, {"OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"}});
  EXPECT_EQ(settings.timeout_ms, 7u);
  EXPECT_EQ(settings.interval_ms, 9u);
  EXPECT_EQ(settings.headers, (Texts{{"b", "2"}}));
}

TEST(OtlpSettings, HeadersArePercentDecodedAndSecret) {
  const OtlpSettings settings = good({{"OTEL_EXPORTER_OTLP_HEADERS", " authorization = Basic%20c2VjcmV0 , x-tenant=a%2Cb=c,,odd=100%"}});
  EXPECT_EQ(settings.headers, (Texts{{"authorization", "Basic c2VjcmV0"}, {"x-tenant", "a,b=c"}, {"odd", "100%"}}));
  EXPECT_EQ(log::redacted("it is Basic c2VjcmV0"), "it is ***");
}

TEST(OtlpSettings, TheServiceIsNamedByItsOwnVariableFirst) {
  EXPECT_EQ(good({{"OTEL_RESOURCE_ATTRIBUTES", "service.name=one,env=pro%64"}}).resource, (ResourceAttributes{{"service.name", "one"}, {"env", "prod"}, {"service.version", "1.2.3"}}));
  EXPECT_EQ(good({{"OTEL_RESOURCE_ATTRIBUTES", "service.name=one"}, {"OTEL_SERVICE_NAME", "two"}}).resource, (ResourceAttributes{{"service.name", "two"}, {"service.version", "1.2.3"}}));
  EXPECT_EQ(good({{"OTEL_RESOURCE_ATTRIBUTES", "service.version=9"}}).resource, (ResourceAttributes{{"service.version", "9"}, {"service.name", "heddle"}}));
}

TEST(OtlpSettings, CertificatesAreForHttps) {
  EXPECT_FALSE(good({{"OTEL_EXPORTER_OTLP_CERTIFICATE", "ca.pem"}}).tls);
  const OtlpSettings settings = good({{"OTEL_EXPORTER_OTLP_ENDPOINT", "https://c:1"}, {"OTEL_EXPORTER_OTLP_CERTIFICATE", "ca.pem"}, {"OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "me.pem"},
                                      {"OTEL_EXPORTER_OTLP_CLIENT_KEY", "me.key"}, {"OTEL_EXPORTER_OTLP_METRICS_CLIENT_KEY", "own.key"}});
  ASSERT_TRUE(settings.tls);
  EXPECT_EQ(settings.tls->ca, "ca.pem");
  EXPECT_EQ(settings.tls->certificate, "me.pem");
  EXPECT_EQ(settings.tls->key, "own.key");
}

struct TracesRead {
  std::optional<TraceSettings> settings;
  std::vector<std::string> warnings;
};

TracesRead read_traces(std::map<std::string, std::string> environment) {
  TracesRead out;
  environment.emplace("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:1");
  out.settings = read_trace_settings(
      [&](const char* name) {
        const auto found = environment.find(name);
        return found == environment.end() ? nullptr : found->second.c_str();
      },
      "1.2.3", out.warnings);
  return out;
}

TEST(TraceSettings, AreThoseOfTheSpecification) {
  const auto settings = read_traces({}).settings;
  ASSERT_TRUE(settings);
  EXPECT_EQ(settings->otlp.endpoint + settings->otlp.path, "http://c:1/v1/traces");
  EXPECT_EQ(settings->otlp.interval_ms, 5'000u);
  EXPECT_EQ(settings->most, 2'048u);
  EXPECT_EQ(settings->batch, 512u);
  EXPECT_TRUE(settings->sampler.follows_parent);
  EXPECT_EQ(settings->sampler.ratio, 1);
  const auto own = read_traces({{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://t:2/spans"}, {"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://m:3"}, {"OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "7"},
                                {"OTEL_BSP_SCHEDULE_DELAY", "9"}, {"OTEL_BSP_MAX_QUEUE_SIZE", "100"}, {"OTEL_METRIC_EXPORT_INTERVAL", "11"}}).settings;
  ASSERT_TRUE(own);
  EXPECT_EQ(own->otlp.endpoint + own->otlp.path, "http://t:2/spans");
  EXPECT_EQ(own->otlp.timeout_ms, 7u);
  EXPECT_EQ(own->otlp.interval_ms, 9u);
  EXPECT_EQ(own->most, 100u);
  EXPECT_EQ(own->batch, 100u) << "no more than may wait";
}

TEST(TraceSettings, CanBeForbiddenWithoutTheMetrics) {
  EXPECT_FALSE(read_traces({{"OTEL_TRACES_EXPORTER", "none"}}).settings);
  EXPECT_FALSE(read_traces({{"OTEL_SDK_DISABLED", "true"}}).settings);
  EXPECT_TRUE(read_traces({{"OTEL_METRICS_EXPORTER", "none"}}).settings);
}

TEST(TraceSettings, TheSamplerIsOneOfTheSpecifications) {
  const auto sampler = [](const std::string& name, const std::string& argument) {
    const TracesRead said = read_traces({{"OTEL_TRACES_SAMPLER", name}, {"OTEL_TRACES_SAMPLER_ARG", argument}});
    return std::to_string(said.settings->sampler.follows_parent) + " " + std::to_string(said.settings->sampler.ratio).substr(0, 4) + (said.warnings.empty() ? "" : " " + said.warnings[0]);
  };
  EXPECT_EQ(sampler("always_on", ""), "0 1.00");
  EXPECT_EQ(sampler("always_off", "1"), "0 0.00");
  EXPECT_EQ(sampler("traceidratio", "0.25"), "0 0.25");
  EXPECT_EQ(sampler("traceidratio", ""), "0 1.00");
  EXPECT_EQ(sampler("parentbased_always_on", ""), "1 1.00");
  EXPECT_EQ(sampler("parentbased_always_off", ""), "1 0.00");
  EXPECT_EQ(sampler("parentbased_traceidratio", "0.5"), "1 0.50");
  for (const char* const wrong : {"2", "-1", "x", "0.5x", "nan"})
    EXPECT_EQ(sampler("parentbased_traceidratio", wrong), "1 1.00 OTEL_TRACES_SAMPLER_ARG must be a number from 0 to 1, but is \"" + std::string(wrong) + "\": it stays 1");
  for (const char* const wrong : {"jaeger_remote", "parentbased_", "parentbased_jaeger_remote"})
    EXPECT_EQ(sampler(wrong, ""), "1 1.00 OTEL_TRACES_SAMPLER must be always_on, always_off or traceidratio, or one of them after parentbased_, but is \"" + std::string(wrong) + "\": it stays parentbased_always_on");
}

TEST(TraceSettings, WhatWasSaidOfTheMetricsIsNotSaidAgain) {
  std::vector<std::string> warnings;
  const Environment wrong = [](const char* name) { return std::string_view(name) == "OTEL_EXPORTER_OTLP_ENDPOINT" ? "http://c:1" : std::string_view(name) == "OTEL_EXPORTER_OTLP_TIMEOUT" ? "x" : nullptr; };
  read_otlp_settings(wrong, "1", warnings);
  read_trace_settings(wrong, "1", warnings);
  EXPECT_EQ(warnings.size(), 1u);
}

TEST(OtlpSettings, WhatCannotBeUsedIsSaidAndLeftAlone) {
  const auto warned = [](const std::string& variable, const std::string& text) {
    const Read said = read({{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:1"}, {variable, text}});
    EXPECT_TRUE(said.settings);
    EXPECT_EQ(said.warnings.size(), 1u) << variable;
    return said.warnings.empty() ? "" : said.warnings[0];
  };
  EXPECT_EQ(warned("OTEL_EXPORTER_OTLP_TIMEOUT", "10s"), "OTEL_EXPORTER_OTLP_TIMEOUT must be a number of milliseconds, but is \"10s\": it stays 10000");
  EXPECT_EQ(warned("OTEL_METRIC_EXPORT_INTERVAL", "0"), "OTEL_METRIC_EXPORT_INTERVAL must be a number of milliseconds, but is \"0\": it stays 60000");
  EXPECT_EQ(warned("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"), "OTEL_EXPORTER_OTLP_PROTOCOL is \"grpc\", but metrics are exported as http/json: the endpoint must understand that");
  for (const char* const wrong : {"secret-word", "=x", "a=1,a=2", "a=%ff"}) {
    EXPECT_EQ(warned("OTEL_EXPORTER_OTLP_HEADERS", wrong), "OTEL_EXPORTER_OTLP_HEADERS must be a list like name=value,other=value, each name once; it is left alone");
    EXPECT_EQ(warned("OTEL_RESOURCE_ATTRIBUTES", wrong), "OTEL_RESOURCE_ATTRIBUTES must be a list like name=value,other=value, each name once; it is left alone");
  }
}

}  // namespace
}  // namespace heddle
