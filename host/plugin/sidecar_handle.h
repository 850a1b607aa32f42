// SidecarHandle: one sidecar object of a plugin, from create to destroy: the workers it gets to, and what is assigned to them (heddle/sidecar.h).
#pragma once
#include <heddle/sidecar.h>

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "lanes/lanes.h"
#include "plugin/call.h"
#include "plugin/catalog.h"
#include "plugin/channel.h"
#include "plugin/host_table.h"
#include "plugin/library.h"
#include "plugin/start_ops.h"
#include "result.h"
#include "value/value.h"

namespace heddle {

struct WorkerPlace {
  std::string endpoint;
  std::optional<ChannelTls> tls = {};
  std::string min_version = "1.0.0", max_version = "1.0.0";  // of the protocol
  uint64_t slots = 1;                                        // where the worker does not say
  uint64_t connect_ms = 2'000, reattach_ms = 30'000;
  uint64_t most_bytes = uint64_t{64} << 20;
};

// What is heard of a worker: any thread, one at a time; it must not block.
struct WorkerHearing {
  std::function<void(const Value& facts)> here;
  std::function<void(uint32_t assignments)> granted;
  std::function<void(Error why)> gone;  // what was granted and not used is void
};

// One input; of `value` (BYTES: as they are) and `ref` one.
struct AssignmentInput {
  std::string name, media_type = {};
  Value value = {};
  std::string ref = {};
};

struct AssignmentOrder {
  std::string activity, run, workflow = {}, kind = {}, version = {};
  std::vector<AssignmentInput> inputs = {};
  std::string upload_prefix = {}, checkpoint = {};
  uint64_t deadline_ns = 0;    // CLOCK_MONOTONIC; 0: none
  uint32_t heartbeat_ms = 0;   // 0: none wanted
  Value params = {};
};

// What is heard of an assignment: any thread, one at a time; it must not block. `done` once, and nothing after it.
struct AssignmentHearing {
  std::function<void(const Value& said)> progress;
  std::function<void(Result<Value> result)> done;
};

class SidecarHandle {
 public:
  // A sentence without its subject, of what the plugin does against the rules.
  using Fault = std::function<void(std::string_view rule)>;
  using Done = std::function<void(Result<void>)>;
  using Probed = std::function<void(Result<Value>)>;

  // [setup] As TransportHandle::create.
  static Result<std::unique_ptr<SidecarHandle>> create(const CatalogEntry& entry, const std::string& owner, const Value& params, Lanes* lanes, LaneId lane, Fault fault = nullptr);
  // [setup] destroy. Every worker is disconnected before, and it is deactivated if it was activated. Not from inside a callback.
  ~SidecarHandle();
  SidecarHandle(const SidecarHandle&) = delete;
  SidecarHandle& operator=(const SidecarHandle&) = delete;

  // [start] `done` gets the outcome once, on any thread, perhaps before this returns. Before the first worker, and after the last one.
  void activate(Done done);
  void deactivate(Done done);

  // [start] The worker's id. `done`: whether the options are understood; whether the worker is there is heard.
  heddle_id connect(const WorkerPlace& place, WorkerHearing hearing, Done done);
  // [any] The assignment's id; 0: the worker has granted no more, and nothing is heard.
  heddle_id assign(heddle_id worker, const AssignmentOrder& order, AssignmentHearing hearing);
  // [any] `done` of the assignment follows, after `grace_ns` at the latest. Of one that is done: nothing.
  void cancel(heddle_id assignment, const std::string& reason, uint64_t grace_ns);
  // [any] Nothing more is granted.
  void drain(heddle_id worker);
  // [any] What the worker says of itself, or why it is not well.
  void probe(heddle_id worker, Probed probed);
  // [start] What is open is done, as cancelled; after `done` nothing is heard of the worker.
  void disconnect(heddle_id worker, Done done);

 private:
  friend struct AssignmentsTable;
  struct Worker {
    std::shared_ptr<const WorkerHearing> hearing;
    uint64_t credit = 0;
  };
  struct Open {
    std::shared_ptr<const AssignmentHearing> hearing;
    heddle_id worker = 0;
  };

  SidecarHandle() = default;
  void fault(const std::string& rule) const { fault_(rule); }

  Fault fault_;
  Library* library_ = nullptr;
  std::unique_ptr<HostTable> host_;
  void* self_ = nullptr;
  const heddle_sidecar* table_ = nullptr;
  std::mutex mutex_;
  // Guarded by mutex_:
  std::map<heddle_id, Worker> workers_;
  std::map<heddle_id, Open> open_;
  heddle_id last_id_ = 0;

  StartOps ops_{[this](std::string_view rule) { fault("it " + std::string(rule)); }};
};

}  // namespace heddle
