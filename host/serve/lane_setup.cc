#include "serve/lane_setup.h"

#include <algorithm>

#include "clock.h"
#include "lanes/lanes.h"
#include "manifest/lane_settings.h"
#include "manifest/reading.h"
#include "pipeline/lane_config.h"
#include "value/json_value.h"

namespace heddle {
namespace {

constexpr std::string_view kLaneKeys[] = {"priority",  "min_concurrency", "max_concurrency", "weight",             "depth",       "when_full",  "order",    "rate_limits",
                                          "priority_boost", "pressure_threshold", "preemptible", "durability", "timeout_ms", "grace_ms", "retry", "alerts"};
constexpr std::string_view kRateKeys[] = {"count", "per", "burst", "kind"};
constexpr std::string_view kNamedRetryKeys[] = {"kind", "retries", "delay_ms"};
constexpr std::string_view kAlertKeys[] = {"depth", "latency_p95_ms", "failure_percent", "oldest_ms"}, kAlertLimitKeys[] = {"warning", "critical"};
constexpr AlertLimit AlertLimits::*kAlertLimits[] = {&AlertLimits::depth, &AlertLimits::latency_p95_ms, &AlertLimits::failure_percent, &AlertLimits::oldest_ms};  // in the order of their keys
constexpr std::string_view kRetryKeys[] = {"max_attempts", "initial_backoff_ms", "multiplier", "max_backoff_ms", "jitter"};

constexpr uint64_t kMaxDepth = 1'000'000'000, kMaxRate = 1'000'000'000, kMaxAttempts = 1'000;
constexpr uint64_t kRatePeriods[] = {kNsPerSecond, 60 * kNsPerSecond, 3600 * kNsPerSecond};  // in the order of their words
constexpr std::string_view kPeriodWords[] = {"second", "minute", "hour"}, kFullWords[] = {"reject", "block", "shed-oldest"}, kOrderWords[] = {"fifo", "priority", "fair"},
                           kDurabilityWords[] = {"memory", "written", "durable"}, kJitterWords[] = {"none", "equal", "full"}, kRateWords[] = {"bucket", "window"};

// A choice whose words stand in the order of its enum.
template <class Enum, size_t N>
void choose(Fields& f, std::string_view key, const std::string_view (&words)[N], Enum& out) {
  size_t index = 0;
  const bool found = [&] {
    if constexpr (N == 2) return f.choice(key, {words[0], words[1]}, index);
    else return f.choice(key, {words[0], words[1], words[2]}, index);
  }();
  if (found) out = static_cast<Enum>(index);
}

bool read_time(Fields& f, std::string_view key, uint64_t min_ms, uint64_t& out_ns) {
  uint64_t ms = 0;
  if (!f.integer(key, min_ms, kMaxMilliseconds, ms)) return false;
  out_ns = ms * kNsPerMs;
  return true;
}

RateLimit read_rate(Reading& reading, JsonNode& value, const Path& path) {
  RateLimit out;
  Fields f(reading, value, path, kRateKeys, "a rate limit");
  if (f.require("count")) f.integer("count", 1, kMaxRate, out.count);
  size_t period = 0;
  if (f.require("per") && f.choice("per", {kPeriodWords[0], kPeriodWords[1], kPeriodWords[2]}, period)) out.per_ns = kRatePeriods[period];
  f.integer("burst", 1, kMaxRate, out.burst);
  choose(f, "kind", kRateWords, out.kind);
  return out;
}

void read_named_retry(Reading& reading, JsonNode& value, const Path& path, RetryPolicy& retry) {
  Fields f(reading, value, path, kNamedRetryKeys, "a retry with a \"kind\"");
  size_t kind = 0;
  uint32_t retries = 0;
  if (!f.choice("kind", {"none", "fixed", "exponential"}, kind)) return;
  if (kind == 0) {
    retry = {};
    return;
  }
  if (!f.require("retries") || !f.integer("retries", 1, kMaxAttempts, retries)) return;
  uint64_t delay_ns = 0;
  if (kind == 2 && f.get("delay_ms")) f.error("unknown-key", "delay_ms", "only a retry of the kind \"fixed\" has a \"delay_ms\"");
  if (kind == 1 && (!f.require("delay_ms") || !read_time(f, "delay_ms", 0, delay_ns))) return;
  retry = kind == 1 ? fixed(retries, delay_ns) : exponential(retries);
}

void read_retry(Reading& reading, JsonNode& value, const Path& path, RetryPolicy& retry) {
  if (value.find("kind")) return read_named_retry(reading, value, path, retry);
  Fields f(reading, value, path, kRetryKeys, "a retry");
  f.integer("max_attempts", 1, kMaxAttempts, retry.max_attempts);
  read_time(f, "initial_backoff_ms", 0, retry.first_ns);
  f.number("multiplier", 1, 100, retry.factor);
  read_time(f, "max_backoff_ms", 0, retry.cap_ns);
  choose(f, "jitter", kJitterWords, retry.jitter);
  if (retry.first_ns <= retry.cap_ns) return;
  f.error("out-of-range", f.get("initial_backoff_ms") ? "initial_backoff_ms" : "max_backoff_ms",
          "the first back-off of " + std::to_string(retry.first_ns / kNsPerMs) + " ms is longer than \"max_backoff_ms\", which is " + std::to_string(retry.cap_ns / kNsPerMs));
}

void read_alerts(Reading& reading, JsonNode& value, const Path& path, AlertLimits& alerts) {
  Fields f(reading, value, path, kAlertKeys, "the alerts of a lane");
  for (size_t i = 0; i < std::size(kAlertKeys); ++i) {
    JsonNode* const limit = f.get(kAlertKeys[i]);
    if (!limit) continue;
    const Path at = f.at(kAlertKeys[i]);
    AlertLimit& out = alerts.*kAlertLimits[i];
    out = {};
    Fields of(reading, *limit, at, kAlertLimitKeys, "the limits of an alert");
    const uint64_t most = kAlertKeys[i] == "failure_percent" ? 100 : kMaxMilliseconds;
    of.integer("warning", 0, most, out.warning);
    of.integer("critical", 0, most, out.critical);
    if (out.warning > 0 && out.critical > 0 && out.critical < out.warning) {
      of.error("out-of-range", "critical", "\"critical\" is less than \"warning\", which is " + std::to_string(out.warning));
    }
  }
}

Value alerts_json(const AlertLimits& alerts) {
  std::vector<std::pair<std::string, Value>> members;
  for (size_t i = 0; i < std::size(kAlertKeys); ++i) {
    const AlertLimit& limit = alerts.*kAlertLimits[i];
    members.emplace_back(kAlertKeys[i], json_object({{"warning", json_count(limit.warning)}, {"critical", json_count(limit.critical)}}));
  }
  return json_object(std::move(members));
}

Value time_json(uint64_t ns) { return json_count(ns / kNsPerMs); }

Value rate_json(const RateLimit& rate) {
  const auto period = std::find(std::begin(kRatePeriods), std::end(kRatePeriods), rate.per_ns) - std::begin(kRatePeriods);
  return json_object({{"count", json_count(rate.count)},
                      {"per", json_text(kPeriodWords[std::min<size_t>(static_cast<size_t>(period), 2)])},
                      {"burst", json_count(rate.burst ? rate.burst : rate.count)},
                      {"kind", json_text(kRateWords[static_cast<size_t>(rate.kind)])}});
}

Value retry_json(const RetryPolicy& retry) {
  const auto multiplier = Value::number(retry.factor);
  return json_object({{"max_attempts", json_count(retry.max_attempts)},
                      {"initial_backoff_ms", time_json(retry.first_ns)},
                      {"multiplier", multiplier ? *multiplier : Value::integer(1)},
                      {"max_backoff_ms", time_json(retry.cap_ns)},
                      {"jitter", json_text(kJitterWords[static_cast<size_t>(retry.jitter)])}});
}

}  // namespace

LaneSetup default_setup(std::string_view name) { return {.lane = default_lane(name)}; }

void read_lane_setup(Reading& reading, JsonNode& value, const Path& path, LaneSetup& setup) {
  const size_t errors_before = reading.diagnostics().errors();
  LaneConfig& lane = setup.lane;
  Fields f(reading, value, path, kLaneKeys, "a lane");
  LaneSettings said;
  read_lane_settings(reading, f, said);
  apply(said, lane);
  f.integer("depth", 1, kMaxDepth, lane.depth);
  choose(f, "when_full", kFullWords, lane.when_full);
  choose(f, "order", kOrderWords, lane.order);
  if (JsonNode* const rates = f.get_list("rate_limits")) {
    const Path at = f.at("rate_limits");
    lane.rates.clear();
    for (size_t i = 0; i < rates->items.size(); ++i) lane.rates.push_back(read_rate(reading, rates->items[i], Path(at, i)));
    if (lane.name == kOwnLane && !lane.rates.empty()) {
      f.error("bad-lane", "rate_limits", "the host itself works on the lane \"" + lane.name + "\": a rate would hold up whoever asks it", "give the jobs that are to be limited a lane of their own");
    }
  }
  f.integer("pressure_threshold", 0, kMaxDepth, lane.pressure_threshold);
  f.boolean("preemptible", lane.preemptible);
  choose(f, "durability", kDurabilityWords, setup.policy.durability);
  read_time(f, "timeout_ms", 0, setup.policy.timeout_ns);
  read_time(f, "grace_ms", 0, setup.policy.grace_ns);
  if (JsonNode* const retry = f.get("retry")) read_retry(reading, *retry, f.at("retry"), setup.policy.retry);
  if (JsonNode* const alerts = f.get("alerts")) read_alerts(reading, *alerts, f.at("alerts"), setup.policy.alerts);
  if (reading.diagnostics().errors() > errors_before) return;
  if (auto sound = check(lane); !sound) reading.error("bad-lane", path, value.span, sound.error().message);
}

Result<LaneSetup> read_lane_setup(std::string_view json, const LaneSetup& current) {
  Diagnostics diagnostics("settings", json);
  JsonNode root;
  LaneSetup out = current;
  if (parse_document(json, root, diagnostics)) {
    Reading reading(json, "settings", diagnostics);
    read_lane_setup(reading, root, Path(), out);
  }
  if (!diagnostics.has_errors()) return out;
  std::string what;
  for (const Diagnostic& d : diagnostics.all()) {
    what += (what.empty() ? "" : "; ") + (d.pointer.empty() ? "" : d.pointer + ": ") + d.message + (d.hint.empty() ? "" : " (" + d.hint + ")");
  }
  return Error("invalid", std::move(what), ErrorClass::kConfig);
}

Value lane_setup_json(const LaneSetup& setup) {
  const LaneConfig& lane = setup.lane;
  std::vector<Value> rates;
  for (const RateLimit& rate : lane.rates) rates.push_back(rate_json(rate));
  auto members = lane_members(lane);
  const std::pair<std::string, Value> of_jobs[] = {
      {"depth", json_count(lane.depth)},
      {"when_full", json_text(kFullWords[static_cast<size_t>(lane.when_full)])},
      {"order", json_text(kOrderWords[static_cast<size_t>(lane.order)])},
      {"rate_limits", Value::list(std::move(rates))},
      {"pressure_threshold", json_count(lane.pressure_threshold)},
      {"preemptible", Value::boolean(lane.preemptible)},
      {"durability", json_text(kDurabilityWords[static_cast<size_t>(setup.policy.durability)])},
      {"timeout_ms", time_json(setup.policy.timeout_ns)},
      {"grace_ms", time_json(setup.policy.grace_ns)},
      {"retry", retry_json(setup.policy.retry)},
      {"alerts", alerts_json(setup.policy.alerts)}};
  members.insert(members.end(), std::begin(of_jobs), std::end(of_jobs));
  return json_object(std::move(members));
}

}  // namespace heddle
