#include "serve/metrics.h"

#include <limits>
#include <map>
#include <tuple>

#include "clock.h"
#include "serve/metric_list.h"
#include "serve/worker_metrics.h"

namespace heddle {
namespace {

using Kind = Metric::Kind;

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

// Everything of one endpoint at one moment: groups that differ in how they call it are one to whoever looks at it.
struct EndpointNow {
  Metric::Labels labels;
  EndpointPool::Endpoint standing;
};

// Of its breaker.
int severity(const EndpointPool::Endpoint& e) {
  using enum CircuitBreaker::State;
  return e.breaker == kOpen ? 2 : e.breaker == kHalfOpen ? 1 : 0;
}

std::vector<EndpointNow> look(const Peers& peers) {
  using EndpointState = EndpointPool::Endpoint;
  std::map<std::tuple<std::string, std::string, size_t>, EndpointState> all;
  const uint64_t now = now_ns();
  for (const auto& group : peers.groups()) {
    size_t pool = 0;
    for (auto& endpoints : group->standing(now)) {
      ++pool;
      for (EndpointState& e : endpoints) {
        const auto [place, added] = all.try_emplace({group->settings().transport, e.address, pool}, e);
        if (added) continue;
        EndpointState& sum = place->second;
        for (const auto count : {&EndpointState::in_flight, &EndpointState::good, &EndpointState::bad, &EndpointState::given_up, &EndpointState::retries,
                                 &EndpointState::hedges, &EndpointState::ejections, &EndpointState::opened})
          sum.*count += e.*count;
        sum.took.add(e.took);
        if (severity(e) > severity(sum)) sum.breaker = e.breaker;
        sum.well = sum.well && e.well;
        sum.ejected = sum.ejected || e.ejected;
      }
    }
  }
  std::vector<EndpointNow> out;
  for (auto& [key, e] : all) {
    const auto& [transport, address, pool] = key;
    out.push_back({{{"transport", transport}, {"endpoint", address}, {"pool", std::to_string(pool)}}, std::move(e)});
  }
  return out;
}

class List : public MetricList {
 public:
  template <class Fn>
  void of_lanes(Kind kind, std::string name, std::string help, const std::vector<LaneNow>& lanes, Fn&& value) {
    begin(kind, std::move(name), std::move(help));
    for (const LaneNow& lane : lanes) append({{"lane", lane.stats.name}}, static_cast<double>(value(lane)));
  }
  void histogram(std::string name, std::string help, const std::vector<LaneNow>& lanes, LaneTimes LaneNow::*of, Durations LaneTimes::*which) {
    begin(Kind::kHistogram, std::move(name), std::move(help));
    for (const LaneNow& lane : lanes) append({{"lane", lane.stats.name}}, (lane.*of).*which);
  }
  template <class Fn>
  void of_endpoints(Kind kind, std::string name, std::string help, const std::vector<EndpointNow>& endpoints, Fn&& value) {
    begin(kind, std::move(name), std::move(help));
    for (const EndpointNow& e : endpoints) append(e.labels, static_cast<double>(value(e.standing)));
  }
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
                [now](const LaneNow& l) { return l.stats.oldest_ns == 0 || l.stats.oldest_ns > now ? 0 : metric_seconds(now - l.stats.oldest_ns); });
  list.of_lanes(kGauge, "heddle_lane_paused", "1: the lane starts nothing.", lanes, [](const LaneNow& l) { return l.stats.paused; });
  list.of_lanes(kGauge, "heddle_lane_under_pressure", "1: as much waits as the lane's threshold says.", lanes, [](const LaneNow& l) { return l.stats.under_pressure; });
  if (!alerts.empty()) list.begin(kGauge, "heddle_lane_alert", "Alerts that stand: 1: a warning, 2: critical.");
  for (const Alert& alert : alerts) list.append({{"lane", alert.lane}, {"kind", std::string(name_of(alert.kind))}}, static_cast<double>(alert.level));
  list.histogram("heddle_lane_wait_seconds", "How long it took until a worker began.", lanes, &LaneNow::times, &LaneTimes::waited);
  list.histogram("heddle_lane_run_seconds", "How long a worker was busy.", lanes, &LaneNow::times, &LaneTimes::ran);
  list.histogram("heddle_lane_job_wait_seconds", "How long jobs waited from when they could have begun.", lanes, &LaneNow::job_times, &LaneTimes::waited);
  list.histogram("heddle_lane_job_run_seconds", "How long the last attempt of jobs took until its answer.", lanes, &LaneNow::job_times, &LaneTimes::ran);
}

void add_remotes(List& list, const std::vector<EndpointNow>& endpoints) {
  constexpr auto kCounter = Kind::kCounter, kGauge = Kind::kGauge;
  using EndpointState = EndpointPool::Endpoint;
  if (endpoints.empty()) return;
  static constexpr std::pair<const char*, uint64_t EndpointState::*> kOutcomes[] = {
      {"answered", &EndpointState::good}, {"failed", &EndpointState::bad}, {"given_up", &EndpointState::given_up}};
  list.begin(kCounter, "heddle_remote_attempts_total", "Attempts to call an endpoint of other hosts, by what they came to.");
  for (const EndpointNow& e : endpoints) {
    for (const auto& [outcome, count] : kOutcomes) {
      Metric::Labels labels = e.labels;
      labels.emplace_back("outcome", outcome);
      list.append(std::move(labels), static_cast<double>(e.standing.*count));
    }
  }
  list.of_endpoints(kCounter, "heddle_remote_retries_total", "Attempts that were made because an earlier one had failed.", endpoints, [](const EndpointState& e) { return e.retries; });
  list.of_endpoints(kCounter, "heddle_remote_hedges_total", "Attempts that were made because an earlier one took long.", endpoints, [](const EndpointState& e) { return e.hedges; });
  list.of_endpoints(kGauge, "heddle_remote_in_flight", "Attempts that are under way.", endpoints, [](const EndpointState& e) { return e.in_flight; });
  list.of_endpoints(kGauge, "heddle_remote_healthy", "1: the endpoint is neither ejected nor unhealthy.", endpoints, [](const EndpointState& e) { return e.well && !e.ejected; });
  list.of_endpoints(kCounter, "heddle_remote_ejections_total", "Times that the endpoint was left out for a while, because of failures in a row.", endpoints,
                    [](const EndpointState& e) { return e.ejections; });
  list.of_endpoints(kGauge, "heddle_remote_breaker_state", "0: closed, 1: half open, 2: open.", endpoints, severity);
  list.of_endpoints(kCounter, "heddle_remote_breaker_opened_total", "Times that the breaker opened.", endpoints, [](const EndpointState& e) { return e.opened; });
  list.begin(Kind::kHistogram, "heddle_remote_attempt_seconds", "How long attempts took until their answer.");
  for (const EndpointNow& e : endpoints) list.append(e.labels, e.standing.took);
}

}  // namespace

std::vector<Metric> metrics_of(const Lanes& lanes, const Jobs& jobs, const Outside& outside, std::string_view version, uint64_t started_ms, const Tracer* tracer, const ChainWorkers* workers) {
  constexpr auto kCounter = Kind::kCounter, kGauge = Kind::kGauge;
  List list;
  list.add(kGauge, "heddle_build_info", "1, with the version of the host.", 1, {{"version", std::string(version)}});
  list.add(kGauge, "process_start_time_seconds", "When the process began, in seconds since the epoch.", static_cast<double>(started_ms) / 1000);
  list.add(kGauge, "heddle_workers", "Worker threads.", lanes.threads());
  list.add(kGauge, "heddle_workers_abandoned", "Threads that were given up because their job hung, and still hang.", lanes.abandoned());
  list.add(kGauge, "heddle_dead_jobs", "Jobs that failed for good and are kept.", static_cast<double>(jobs.dead_count()));
  list.add(kCounter, "heddle_dead_jobs_lost_total", "Jobs that failed for good and were dropped because too many were kept.", static_cast<double>(jobs.dead_lost()));
  if (tracer) {
    const Tracer::Counts counts = tracer->counts();
    list.add(kCounter, "heddle_spans_recorded_total", "Spans that were recorded, to be told to a collector.", static_cast<double>(counts.recorded));
    list.add(kCounter, "heddle_spans_dropped_total", "Spans that no collector was told of: too many waited, or it did not take them.", static_cast<double>(counts.dropped));
  }
  add_lanes(list, look(lanes, jobs), jobs.alerts());
  add_remotes(list, look(outside.peers));
  if (workers) add_worker_metrics(list, workers->all());
  return list.take();
}

}  // namespace heddle
