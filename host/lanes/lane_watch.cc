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

std::optional<Alert> LaneWatch::look(AlertKind kind, uint64_t value, const AlertLimit& limit) {
  Alert& now = standing_[static_cast<size_t>(kind)];
  const auto reached = [&](uint64_t at) { return at > 0 && value >= at; };
  const auto left = [&](uint64_t at) { return at == 0 || value * 5 < at * 4; };
  AlertLevel level = reached(limit.critical) ? AlertLevel::kCritical : reached(limit.warning) ? AlertLevel::kWarning : AlertLevel::kNone;
  if (level < now.level) {
    const uint64_t held = now.level == AlertLevel::kCritical ? limit.critical : limit.warning;
    if (!left(held)) level = now.level;
    else if (level == AlertLevel::kNone && !left(limit.warning)) level = AlertLevel::kWarning;
  }
  now.value = value;
  if (level == now.level) return std::nullopt;
  const bool of_critical = level > now.level ? level == AlertLevel::kCritical : level == AlertLevel::kWarning;
  now.kind = kind;
  now.level = level;
  now.limit = of_critical || limit.warning == 0 ? limit.critical : limit.warning;
  return now;
}

std::array<std::optional<Alert>, 2> LaneWatch::ended(uint64_t latency_ms, bool failed) {
  std::array<std::optional<Alert>, 2> changes;
  End& place = last_[ended_ % kLast];
  failed_ -= ended_ >= kLast && place.failed ? 1 : 0;
  failed_ += failed ? 1 : 0;
  place = {latency_ms, failed};
  const size_t count = static_cast<size_t>(std::min<uint64_t>(++ended_, kLast));
  if (count < kFewest) return changes;
  changes[0] = look(AlertKind::kFailures, failed_ * 100 / count, limits_.failure_percent);
  // The percentile costs a walk over the ring: it is asked for where somebody wants to know.
  if (limits_.latency_p95_ms == AlertLimit() && level(AlertKind::kLatency) == AlertLevel::kNone) return changes;
  std::array<uint64_t, kLast> sorted;
  std::transform(last_.begin(), last_.begin() + static_cast<long>(count), sorted.begin(), [](const End& e) { return e.latency_ms; });
  const auto p95 = sorted.begin() + static_cast<long>(count * 95 / 100);
  std::nth_element(sorted.begin(), p95, sorted.begin() + static_cast<long>(count));
  changes[1] = look(AlertKind::kLatency, *p95, limits_.latency_p95_ms);
  return changes;
}

}  // namespace heddle
