#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <limits>

#include "serve/metrics.h"

namespace heddle {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricType;

MetricType type_of(Metric::Kind kind) {
  if (kind == Metric::Kind::kHistogram) return MetricType::Histogram;
  return kind == Metric::Kind::kCounter ? MetricType::Counter : MetricType::Gauge;
}

ClientMetric client_metric(const Metric::Sample& sample, Metric::Kind kind) {
  ClientMetric out;
  for (const auto& [name, value] : sample.labels) out.label.push_back({name, value});
  if (kind != Metric::Kind::kHistogram) {
    (kind == Metric::Kind::kCounter ? out.counter.value : out.gauge.value) = sample.value;
    return out;
  }
  out.histogram.sample_count = sample.count;
  out.histogram.sample_sum = sample.sum;
  for (size_t i = 0; i < sample.at_most.size(); ++i) out.histogram.bucket.push_back({sample.at_most[i], kMetricBounds[i]});
  out.histogram.bucket.push_back({sample.count, std::numeric_limits<double>::infinity()});
  return out;
}

}  // namespace

std::string metrics_text(const std::vector<Metric>& metrics) {
  std::vector<prometheus::MetricFamily> families;
  for (const Metric& metric : metrics) {
    prometheus::MetricFamily& family = families.emplace_back();
    family.name = metric.name;
    family.help = metric.help;
    family.type = type_of(metric.kind);
    for (const Metric::Sample& sample : metric.samples) family.metric.push_back(client_metric(sample, metric.kind));
  }
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace heddle
