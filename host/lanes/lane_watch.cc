#include "lanes/lane_watch.h"

#include <algorithm>

namespace heddle {

std::string_view name_of(AlertKind kind) {
  static constexpr std::string_view kNames[] = {"depth", "latency-p95", "failures", "oldest"};
  return kNames[static_cast<size_t>(kind)];
}

std::string_view name_of(AlertLevel level) {
  static constexpr std::string_view kNames[] = {"over", "warning", "critical"};
  return kNames[static_cast<size_t>(level)];
}

std::string Alert::text() const {
  const std::string n = std::to_string(value);
  const auto what = [&]() -> std::string {
    switch (kind) {
      case AlertKind::kDepth: return n + " jobs wait";
      case AlertKind::kLatency: return "95 of 100 jobs take up to " + n + " ms";
      case AlertKind::kFailures: return n + " % of the last jobs failed";
      case AlertKind::kAge: return "a job waits for " + n + " ms";
    }
    return n;
  };
  return std::string(name_of(level)) + ": " + what() + " (limit " + std::to_string(limit) + ")";
}

const AlertLimit& LaneWatch::limit_of(AlertKind kind) const {
  switch (kind) {
    case AlertKind::kDepth: return limits_.depth;
    case AlertKind::kLatency: return limits_.latency_p95_ms;
    case AlertKind::kFailures: return limits_.failure_percent;
    case AlertKind::kAge: break;
  }
  return limits_.oldest_ms;
}

std::optional<Alert> LaneWatch::look(AlertKind kind, uint64_t value, uint64_t now_ms) {
  auto& [alert, below_since_ms] = standing_[static_cast<size_t>(kind)];
  const AlertLimit& limit = limit_of(kind);
  const auto reached = [&](uint64_t at) { return at > 0 && value >= at; };
  const AlertLevel level = reached(limit.critical) ? AlertLevel::kCritical : reached(limit.warning) ? AlertLevel::kWarning : AlertLevel::kNone;
  alert.kind = kind;
  alert.value = value;
  if (level >= alert.level) {
    below_since_ms = 0;
    if (level == alert.level) return std::nullopt;
  } else {
    if (below_since_ms == 0) below_since_ms = std::max<uint64_t>(1, now_ms);
    if (now_ms - below_since_ms < kSettleMs) return std::nullopt;
    below_since_ms = 0;
  }
  const bool of_critical = level > alert.level ? level == AlertLevel::kCritical : level == AlertLevel::kWarning;
  alert.level = level;
  alert.limit = of_critical || limit.warning == 0 ? limit.critical : limit.warning;
  return alert;
}

LaneWatch::Band LaneWatch::calm_depth() const {
  const auto& [alert, below_since_ms] = standing_[static_cast<size_t>(AlertKind::kDepth)];
  const auto [warning, critical] = limits_.depth;
  const auto or_never = [](uint64_t limit) { return limit > 0 ? limit : UINT64_MAX; };
  if (alert.level == AlertLevel::kNone) return {0, std::min(or_never(warning), or_never(critical))};
  const bool is_critical = alert.level == AlertLevel::kCritical;
  const uint64_t reached = is_critical ? critical : warning;
  if (reached == 0) return {0, 0};  // the limits have changed meanwhile
  if (below_since_ms > 0) return {0, reached};
  return {reached, is_critical ? UINT64_MAX : or_never(critical)};
}

LaneWatch::Changes LaneWatch::ended(uint64_t latency_ms, bool failed, uint64_t now_ms) {
  Changes changes;
  End& place = last_[ended_ % kLast];
  failed_ -= ended_ >= kLast && place.failed ? 1 : 0;
  failed_ += failed ? 1 : 0;
  place = {latency_ms, failed};
  const size_t count = static_cast<size_t>(std::min<uint64_t>(++ended_, kLast));
  if (count < kFewest) return changes;
  changes[0] = look(AlertKind::kFailures, failed_ * 100 / count, now_ms);
  // The percentile costs a walk over the ring: it is asked for where somebody wants to know.
  if (limits_.latency_p95_ms == AlertLimit() && level(AlertKind::kLatency) == AlertLevel::kNone) return changes;
  std::array<uint64_t, kLast> sorted;
  std::transform(last_.begin(), last_.begin() + static_cast<long>(count), sorted.begin(), [](const End& e) { return e.latency_ms; });
  const auto p95 = sorted.begin() + static_cast<long>(count * 95 / 100);
  std::nth_element(sorted.begin(), p95, sorted.begin() + static_cast<long>(count));
  changes[1] = look(AlertKind::kLatency, *p95, now_ms);
  return changes;
}

LaneWatch::Changes LaneWatch::settle(uint64_t now_ms) {
  Changes changes;
  for (size_t kind = 0; kind < kKinds; ++kind) {
    if (standing_[kind].below_since_ms > 0) changes[kind] = look(static_cast<AlertKind>(kind), standing_[kind].alert.value, now_ms);
  }
  return changes;
}

uint64_t LaneWatch::settles_ms() const {
  uint64_t first = 0;
  for (const Standing& s : standing_) {
    if (s.below_since_ms > 0 && (first == 0 || s.below_since_ms + kSettleMs < first)) first = s.below_since_ms + kSettleMs;
  }
  return first;
}

}  // namespace heddle
