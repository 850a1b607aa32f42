// MetricList: metrics, as they are written down one after the other.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "clock.h"
#include "histogram.h"
#include "serve/metrics.h"

namespace heddle {

inline double metric_seconds(uint64_t ns) { return static_cast<double>(ns) / static_cast<double>(kNsPerSecond); }

class MetricList {
 public:
  using Kind = Metric::Kind;

  // A metric; the samples that follow are its.
  void begin(Kind kind, std::string name, std::string help) {
    std::string unit = name.ends_with("_seconds") ? "s" : "";
    all_.push_back({.kind = kind, .name = std::move(name), .help = std::move(help), .unit = std::move(unit)});
  }
  void append(Metric::Labels labels, double value) { all_.back().samples.push_back({.labels = std::move(labels), .value = value}); }
  void append(Metric::Labels labels, const Durations& all) {
    Metric::Sample sample{.labels = std::move(labels), .count = all.count(), .sum = metric_seconds(all.sum_ns())};
    for (const double bound : kMetricBounds) sample.at_most.push_back(all.at_most(static_cast<uint64_t>(bound * 1e9)));
    all_.back().samples.push_back(std::move(sample));
  }
  void add(Kind kind, std::string name, std::string help, double value, Metric::Labels labels = {}) {
    begin(kind, std::move(name), std::move(help));
    append(std::move(labels), value);
  }
  std::vector<Metric> take() { return std::move(all_); }

 private:
  std::vector<Metric> all_;
};

}  // namespace heddle
