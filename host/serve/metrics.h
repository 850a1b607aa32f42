// Metrics: what the host counts and measures, at one moment. However it is exposed, it is made from this list.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lanes/jobs.h"
#include "plugin/outside.h"
#include "serve/chain_workers.h"
#include "tracer.h"

namespace heddle {

// Samples that differ in their labels.
struct Metric {
  enum class Kind : uint8_t { kCounter, kGauge, kHistogram };
  using Labels = std::vector<std::pair<std::string, std::string>>;
  struct Sample {
    Labels labels = {};
    double value = 0;                       // of a counter or a gauge; may be infinite
    uint64_t count = 0;                     // of a histogram, as what follows
    double sum = 0;
    std::vector<uint64_t> at_most = {};     // how many do not exceed each of kMetricBounds
  };
  Kind kind = Kind::kGauge;
  std::string name = {};
  std::string help = {};
  std::string unit = {};  // "s"; empty: a number of something
  std::vector<Sample> samples = {};
};

inline constexpr double kMetricBounds[] = {0.00001, 0.0001, 0.0005, 0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 1800, 3600};  // seconds

// [any] `started_ms`: of the process, CLOCK_REALTIME. `tracer`: null: nothing is recorded. `workers`: null: there are none.
std::vector<Metric> metrics_of(const Lanes& lanes, const Jobs& jobs, const Outside& outside, std::string_view version, uint64_t started_ms, const Tracer* tracer = nullptr,
                               const ChainWorkers* workers = nullptr);

// As Prometheus reads them (text format 0.0.4).
std::string metrics_text(const std::vector<Metric>& metrics);

}  // namespace heddle
