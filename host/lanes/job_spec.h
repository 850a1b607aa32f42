// What is said of a job that somebody submits, and what it tells of itself.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "clock.h"
#include "lanes/lane.h"
#include "lanes/lane_watch.h"
#include "result.h"
#include "retry.h"
#include "trace.h"
#include "value/value.h"

namespace heddle {

using JobId = uint64_t;  // unique in the process; 0 is none

enum class JobState : uint8_t {
  kBlocked,     // waits for other jobs
  kWaiting,     // in its lane, or not due yet
  kRunning,
  kBackingOff,  // waits for its next attempt
  kStranded,    // durable, and nothing here runs jobs of its type at present: it waits until something does
  kEnding,      // durable: it has ended, and that is being written
  kDone,
  kDead,        // failed for good: among the dead jobs
  kCancelled
};
std::string_view name_of(JobState state);
inline bool is_over(JobState state) { return state >= JobState::kDone; }

// Whether a lane's jobs survive the process, and when one of them may start.
enum class Durability : uint8_t {
  kMemory,   // not written at all
  kWritten,  // may start once its writing has begun; accepted when it is on the medium
  kDurable   // starts when it is on the medium: for effects outside of the host
};

// What a lane adds to the jobs that are submitted to it.
struct JobPolicy {
  Durability durability = Durability::kMemory;
  uint64_t timeout_ns = 0;                     // of an attempt; 0: none
  uint64_t grace_ns = 5 * kNsPerSecond;        // from being told to stop to being given up
  RetryPolicy retry = {};
  AlertLimits alerts = {};
};

struct JobSpec {
  std::string type = {};
  std::string lane = "default";
  Value payload = {};
  uint64_t key = 0;                 // of a lane that is fair by key
  uint8_t priority = 0;             // of a lane that is ordered by priority; 0 is the highest
  uint64_t due_ns = 0;              // CLOCK_MONOTONIC, for the lane's boost; 0: as the lane says
  uint64_t not_before_ns = 0;       // CLOCK_MONOTONIC; 0: now
  std::string idempotency_key = {};      // a second submit with the same one gives the first job, while it is remembered
  std::vector<JobId> after = {};         // runs when these are done; fails if one of them does not get there
  std::optional<TraceContext> trace = {};  // of which its runs are a part; none: each begins one
};

struct JobAttempt {
  uint32_t number = 0;
  std::string error = {};
  uint64_t took_ns = 0;
};

struct JobProgress {
  double percent = 0;
  std::string message = {};
  Value checkpoint = {};  // what the next attempt starts from; empty: nothing
};

// Which jobs a list is to have.
struct JobFilter {
  std::string lane = {}, type = {};    // empty: any
  std::optional<JobState> state = {};
  JobId after = 0;                     // those with larger ids
  JobId before = UINT64_MAX;           // and with smaller ones
  bool newest_first = false;
  size_t most = 100;
};

// A job as it was when it was asked for.
struct JobView {
  JobId id = 0;
  std::string type = {}, lane = {};
  JobState state = JobState::kWaiting;
  bool durable = false;
  uint8_t priority = 0;
  std::string idempotency_key = {};
  Value payload = {};
  // CLOCK_REALTIME in milliseconds; 0: has not been, or was not said.
  uint64_t submitted_ms = 0, not_before_ms = 0, started_ms = 0, ended_ms = 0;
  uint32_t attempt = 0;  // the last one begun
  JobProgress progress = {};
  Value result = {};          // of kDone; may be empty
  std::optional<Error> error = {};
  std::vector<JobAttempt> failed_attempts = {};
};

}  // namespace heddle
