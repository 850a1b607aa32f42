// What is said of a lane, and what it tells of itself.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "clock.h"
#include "lanes/job.h"
#include "result.h"

namespace heddle {

// At most `count` starts per `per_ns`. As a bucket it saves up to `burst` unused starts; as a window no stretch of per_ns ever sees more than `count`.
struct RateLimit {
  enum class Kind : uint8_t { kBucket, kWindow };
  uint64_t count = 0;
  uint64_t per_ns = kNsPerSecond;
  uint64_t burst = 0;  // 0: count
  Kind kind = Kind::kBucket;
};

// A waiting job rises as its time runs out: by `levels` when `percent_left` of `within_ns` are left, to priority 0 when nothing is left. A job without a due time is
// due `within_ns` after its submit.
struct Boost {
  struct Step {
    uint8_t percent_left, levels;
    bool operator==(const Step&) const = default;
  };
  uint64_t within_ns = 0;   // 0: no boost
  std::vector<Step> steps;  // percent_left falls, levels rise
  bool operator==(const Boost&) const = default;
};
Boost standard_boost(uint64_t within_ns);
Boost aggressive_boost(uint64_t within_ns);

enum class LaneOrder : uint8_t { kFifo, kPriority, kFair };              // within a lane: as they came; by Job::priority; keys take turns
enum class LaneFull : uint8_t { kReject, kBlock, kShedOldest };          // what a submit to a full lane does

struct LaneConfig {
  std::string name;
  uint32_t priority = 3;                // 0 is the highest, 255 the lowest
  uint32_t min_concurrency = 0;         // slots of the pool kept for this lane; of all slots, one is never kept: no lane stands still for ever
  uint32_t max_concurrency = kNoLimit;  // workers that may run its jobs at once; 0 is refused: to hold a lane, pause it
  uint32_t weight = 1;                  // its share among lanes of equal priority
  uint64_t depth = 1'000'000;           // waiting jobs that submit() allows
  LaneFull when_full = LaneFull::kReject;
  LaneOrder order = LaneOrder::kFifo;
  std::vector<RateLimit> rates = {};    // all of them hold
  Boost boost = {};
  uint64_t pressure_threshold = 0;      // waiting jobs from which on the lane is under pressure; 0: never
  bool preemptible = false;             // its running jobs may be asked to go back for those of a higher lane

  static constexpr uint32_t kNoLimit = UINT32_MAX;
};

enum class LaneNotice : uint8_t { kPressure, kIdle, kPaused, kResumed };  // kIdle: empty again after pressure

// Refuses what cannot be meant, in the user's words.
Result<void> check(const LaneConfig& config);

struct LaneStats {
  std::string name;
  uint64_t submitted = 0, started = 0, completed = 0;
  uint64_t waiting = 0, delayed = 0;
  uint32_t running = 0, limit = 0;
  uint64_t oldest_ns = 0;  // when the job that waits longest was submitted; 0: none waits
  bool paused = false, under_pressure = false;
};

}  // namespace heddle
