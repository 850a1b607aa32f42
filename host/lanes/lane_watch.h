// LaneWatch: looks at the jobs of one lane, and says when something is wrong with them and when it is not any more: each once. It has no clock and no thread.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace heddle {

enum class AlertKind : uint8_t {
  kDepth,     // jobs that wait
  kLatency,   // 95th percentile of the last jobs, from when each might begin to its end, in milliseconds
  kFailures,  // percent of the last jobs
  kAge        // how long the oldest job waits, in milliseconds
};
enum class AlertLevel : uint8_t { kNone, kWarning, kCritical };
std::string_view name_of(AlertKind kind);
std::string_view name_of(AlertLevel level);

// A value from `warning` on is one, and from `critical` on that. 0: never.
struct AlertLimit {
  uint64_t warning = 0, critical = 0;
  bool operator==(const AlertLimit&) const = default;
};

struct AlertLimits {
  AlertLimit depth = {100, 200};
  AlertLimit latency_p95_ms = {};
  AlertLimit failure_percent = {};
  AlertLimit oldest_ms = {};
  bool operator==(const AlertLimits&) const = default;
};

// What has changed, or stands.
struct Alert {
  std::string lane = {};
  AlertKind kind = AlertKind::kDepth;
  AlertLevel level = AlertLevel::kNone;  // kNone: it is over
  uint64_t value = 0;
  uint64_t limit = 0;                    // that was reached, or fallen below
  // "critical: 240 jobs wait (limit 200)"
  std::string text() const;
};

class LaneWatch {
 public:
  static constexpr size_t kLast = 128;         // jobs that percentiles and percents are taken of
  static constexpr size_t kFewest = 20;        // with fewer there is neither
  static constexpr uint64_t kSettleMs = 5'000; // a level is left when the value has been below its limit for so long: it does not flutter
  static constexpr size_t kKinds = 4;
  using Changes = std::array<std::optional<Alert>, kKinds>;

  void set(const AlertLimits& limits) { limits_ = limits; }
  const AlertLimits& limits() const { return limits_; }

  // `now_ms` is of any clock that does not go back. Each gives the change, if there is one.
  std::optional<Alert> depth(uint64_t waiting, uint64_t now_ms) { return look(AlertKind::kDepth, waiting, now_ms); }
  std::optional<Alert> age(uint64_t oldest_ms, uint64_t now_ms) { return look(AlertKind::kAge, oldest_ms, now_ms); }
  // As long as the jobs that wait stay from `from` up to below `below`, depth() has nothing to say and nothing to learn.
  struct Band {
    uint64_t from = 0, below = UINT64_MAX;
  };
  Band calm_depth() const;
  // A job has ended.
  Changes ended(uint64_t latency_ms, bool failed, uint64_t now_ms);
  // What has settled by now.
  Changes settle(uint64_t now_ms);
  // When settle() may have something to say; 0: never.
  uint64_t settles_ms() const;

  AlertLevel level(AlertKind kind) const { return standing_[static_cast<size_t>(kind)].alert.level; }
  // What stands; its lane is for the caller to fill in.
  const Alert& standing(AlertKind kind) const { return standing_[static_cast<size_t>(kind)].alert; }

 private:
  const AlertLimit& limit_of(AlertKind kind) const;
  std::optional<Alert> look(AlertKind kind, uint64_t value, uint64_t now_ms);

  AlertLimits limits_;
  struct Standing {
    Alert alert = {};
    uint64_t below_since_ms = 0;  // 0: it is not below the limit of its level
  };
  std::array<Standing, kKinds> standing_{};
  struct End {
    uint64_t latency_ms = 0;
    bool failed = false;
  };
  std::array<End, kLast> last_{};  // a ring
  uint64_t ended_ = 0;
  uint64_t failed_ = 0;            // of those in the ring
};

}  // namespace heddle
