#include "serve/metrics.h"

#include <limits>

#include "clock.h"

namespace heddle {
namespace {

using Kind = Metric::Kind;

double seconds(uint64_t ns) { return static_cast<double>(ns) / static_cast<double>(kNsPerSecond); }

// Everything of one lane at one moment.
struct LaneNow {
  LaneStats stats;
  JobCounts counts;
  LaneTimes times, job_times;
};

std::vector<LaneNow> look(const Lanes& lanes, const Jobs& jobs) {
  std::vector<LaneNow> all;
  for (LaneStats& stats : lanes.stats()) {
    const auto id = lanes.find(stats.name);
    if (id) all.push_back({std::move(stats), jobs.counts(*id), lanes.times(*id), jobs.times(*id)});
  }
  return all;
}

class List {
 public:
  void begin(Kind kind, std::string name, std::string help) {
    std::string unit = name.ends_with("_seconds") ? "s" : "";
    all_.push_back({.kind = kind, .name = std::move(name), .help = std::move(help), .unit = std::move(unit)});
  }
  void append(Metric::Labels labels, double value) { all_.back().samples.push_back({.labels = std::move(labels), .value = value}); }
  void add(Kind kind, std::string name, std::string help, double value, Metric::Labels labels = {}) {
    begin(kind, std::move(name), std::move(help));
    append(std::move(labels), value);
  }
  template <class Fn>
  void of_lanes(Kind kind, std::string name, std::string help, const std::vector<LaneNow>& lanes, Fn&& value) {
    begin(kind, std::move(name), std::move(help));
    for (const LaneNow& lane : lanes) append({{"lane", lane.stats.name}}, static_cast<double>(value(lane)));
  }
  void histogram(std::string name, std::string help, const std::vector<LaneNow>& lanes, LaneTimes LaneNow::*of, Durations LaneTimes::*which) {
    begin(Kind::kHistogram, std::move(name), std::move(help));
    for (const LaneNow& lane : lanes) {
      const Durations& all = (lane.*of).*which;
      Metric::Sample sample{.labels = {{"lane", lane.stats.name}}, .count = all.count(), .sum = seconds(all.sum_ns())};
      for (const double bound : kMetricBounds) sample.at_most.push_back(all.at_most(static_cast<uint64_t>(bound * 1e9)));
      all_.back().samples.push_back(std::move(sample));
    }
  }
  std::vector<Metric> take() { return std::move(all_); }

 private:
  std::vector<Metric> all_;
};

struct JobCounter {
  const char* name;
  const char* help;
  uint64_t JobCounts::*count;
};
constexpr JobCounter kJobCounters[] = {
    {"submitted", "Jobs that were accepted.", &JobCounts::submitted},
    {"rejected", "Jobs that were refused because the lane was full.", &JobCounts::rejected},
    {"shed", "Jobs that were dropped for newer ones because the lane was full.", &JobCounts::shed},
    {"completed", "Jobs that are done.", &JobCounts::done},
    {"failed", "Attempts that failed.", &JobCounts::failed},
    {"timed_out", "Attempts that took longer than the lane allows.", &JobCounts::timed_out},
    {"retried", "Attempts that were made because an earlier one had failed.", &JobCounts::retried},
    {"cancelled", "Jobs that were cancelled.", &JobCounts::cancelled},
    {"preempted", "Times that a job went back to its queue for one of a higher lane.", &JobCounts::preempted},
    {"dead_lettered", "Jobs that failed for good.", &JobCounts::dead},
    {"given_up", "Attempts that did not end within their grace time and were given up.", &JobCounts::given_up},
};

void add_lanes(List& list, const std::vector<LaneNow>& lanes, const std::vector<Alert>& alerts) {
  constexpr auto kCounter = Kind::kCounter, kGauge = Kind::kGauge;
  for (const JobCounter& c : kJobCounters)
    list.of_lanes(kCounter, std::string("heddle_lane_jobs_") + c.name + "_total", c.help, lanes, [&](const LaneNow& l) { return l.counts.*c.count; });
  list.of_lanes(kCounter, "heddle_lane_runs_started_total", "Runs that a worker began: attempts of jobs, steps of pipelines, and the host's own work.", lanes,
                [](const LaneNow& l) { return l.stats.started; });
  list.of_lanes(kCounter, "heddle_lane_runs_completed_total", "Runs that a worker ended.", lanes, [](const LaneNow& l) { return l.stats.completed; });
  list.of_lanes(kGauge, "heddle_lane_waiting", "What waits for a worker.", lanes, [](const LaneNow& l) { return l.stats.waiting; });
  list.of_lanes(kGauge, "heddle_lane_delayed", "What is not due yet.", lanes, [](const LaneNow& l) { return l.stats.delayed; });
  list.of_lanes(kGauge, "heddle_lane_running", "What runs.", lanes, [](const LaneNow& l) { return l.stats.running; });
  list.of_lanes(kGauge, "heddle_lane_limit", "How much may run at once.", lanes, [](const LaneNow& l) {
    return l.stats.limit == LaneConfig::kNoLimit ? std::numeric_limits<double>::infinity() : l.stats.limit;
  });
  const uint64_t now = now_ns();
  list.of_lanes(kGauge, "heddle_lane_oldest_waiting_seconds", "How long the one that waits longest has waited.", lanes,
                [now](const LaneNow& l) { return l.stats.oldest_ns == 0 || l.stats.oldest_ns > now ? 0 : seconds(now - l.stats.oldest_ns); });
  list.of_lanes(kGauge, "heddle_lane_paused", "1: the lane starts nothing.", lanes, [](const LaneNow& l) { return l.stats.paused; });
  list.of_lanes(kGauge, "heddle_lane_under_pressure", "1: as much waits as the lane's threshold says.", lanes, [](const LaneNow& l) { return l.stats.under_pressure; });
  if (!alerts.empty()) list.begin(kGauge, "heddle_lane_alert", "Alerts that stand: 1: a warning, 2: critical.");
  for (const Alert& alert : alerts) list.append({{"lane", alert.lane}, {"kind", std::string(name_of(alert.kind))}}, static_cast<double>(alert.level));
  list.histogram("heddle_lane_wait_seconds", "How long it took until a worker began.", lanes, &LaneNow::times, &LaneTimes::waited);
  list.histogram("heddle_lane_run_seconds", "How long a worker was busy.", lanes, &LaneNow::times, &LaneTimes::ran);
  list.histogram("heddle_lane_job_wait_seconds", "How long jobs waited from when they could have begun.", lanes, &LaneNow::job_times, &LaneTimes::waited);
  list.histogram("heddle_lane_job_run_seconds", "How long the last attempt of jobs took until its answer.", lanes, &LaneNow::job_times, &LaneTimes::ran);
}

}  // namespace

std::vector<Metric> metrics_of(const Lanes& lanes, const Jobs& jobs, std::string_view version, uint64_t started_ms) {
  constexpr auto kCounter = Kind::kCounter, kGauge = Kind::kGauge;
  List list;
  list.add(kGauge, "heddle_build_info", "1, with the version of the host.", 1, {{"version", std::string(version)}});
  list.add(kGauge, "process_start_time_seconds", "When the process began, in seconds since the epoch.", static_cast<double>(started_ms) / 1000);
  list.add(kGauge, "heddle_workers", "Worker threads.", lanes.threads());
  list.add(kGauge, "heddle_workers_abandoned", "Threads that were given up because their job hung, and still hang.", lanes.abandoned());
  list.add(kGauge, "heddle_dead_jobs", "Jobs that failed for good and are kept.", static_cast<double>(jobs.dead_count()));
  list.add(kCounter, "heddle_dead_jobs_lost_total", "Jobs that failed for good and were dropped because too many were kept.", static_cast<double>(jobs.dead_lost()));
  add_lanes(list, look(lanes, jobs), jobs.alerts());
  return list.take();
}

}  // namespace heddle
