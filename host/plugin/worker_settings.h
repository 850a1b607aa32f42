// WorkerSettings: what a group of workers is, and how activities are given to it: read from the map that heddle/draft/sidecars.h describes.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "plugin/sidecar_handle.h"
#include "plugin/worker_process.h"
#include "resilience/endpoint_pool.h"
#include "result.h"
#include "retry.h"
#include "value/value.h"

namespace heddle {

// The store of objects that inputs come from and results go to.
struct BrokerSettings {
  std::string type;
  Value params;         // of the broker type: MAP, with secrets
  std::string uploads;  // what the objects of results are called, before the activity and the run
};

// What those share who have work done by the same workers: the connections, and what is known of each.
struct WorkerSettings {
  std::string sidecar;
  Value params = {};  // of the sidecar type: MAP
  std::vector<EndpointSpec> endpoints = {};  // those of processes, where they are started here
  std::optional<ProcessSpec> process = {};
  uint32_t processes = 1;  // so many
  WorkerPlace place = {};  // but for the endpoint
  std::optional<BrokerSettings> broker = {};
  PoolPolicy policy = {.balance = Balance::kLeastConnections, .eject_after = 0, .slow_start_ns = 0};
  uint64_t absent_ns = 30 * kNsPerSecond;  // if nobody has been there for so long, nothing waits any more
  uint64_t probe_ns = 5 * kNsPerSecond;    // between two probes of a worker; 0: none

  // The same for settings that mean the same, and for no others.
  std::string key() const;
};

// Of one caller.
struct ActivityPolicy {
  uint64_t timeout_ns = 300 * kNsPerSecond;  // of an activity, with all its runs and waits
  uint64_t run_timeout_ns = 0;               // of one run; 0: what is left
  uint64_t grace_ns = 5 * kNsPerSecond;      // that a worker may take to give something up
  uint32_t heartbeat_ms = 0;                 // so often it should give a sign of life; 0: it need not
  RetryPolicy retry = {.max_attempts = 3, .first_ns = kNsPerSecond};
};

struct WorkerOptions {
  WorkerSettings group;
  ActivityPolicy activities;
  std::string spec, kind;  // path of an activity spec, and which of its activities is meant; empty: none
};

// Errors: "invalid", with the name of the member.
Result<WorkerOptions> read_worker_options(const Value& options);

}  // namespace heddle
