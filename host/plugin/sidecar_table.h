// SidecarTable: heddle.sidecars/1 for one node: its groups of workers and its open activities, whose inputs and results it checks. See heddle/draft/sidecars.h.
#pragma once
#include <heddle/draft/sidecars.h>

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "manifest/activity_spec.h"
#include "plugin/activity_origin.h"
#include "plugin/sidecars.h"

namespace heddle {

// What a node has work done with.
struct SidecarAccess {
  std::shared_ptr<ActivityOrigin> origin = {};  // null: none
  Sidecars* sidecars = nullptr;  // null: this host has no workers
  bool repeatable = false;       // an activity may be done twice
  bool may_start = true;         // processes; false: the manifest is somebody else's
  uint32_t priority = 3;         // of the node's lane
  bool preemptible = false;      // the lane is
};

class SidecarTable {
 public:
  explicit SidecarTable(SidecarAccess access);
  ~SidecarTable() { close_all(); }
  SidecarTable(const SidecarTable&) = delete;
  SidecarTable& operator=(const SidecarTable&) = delete;

  // Cancels what is open, and waits until nothing is heard any more.
  void close_all();
  // [any] The groups of workers that are open.
  std::vector<std::shared_ptr<const WorkerGroup>> groups();

  // Its context (HostTable::context) is a SidecarTable.
  static const heddle_sidecars_service& service();

 private:
  friend struct SidecarsTable;
  struct Group {
    std::shared_ptr<WorkerGroup> workers;
    ActivityPolicy policy;
    std::optional<ActivitySpec> spec;
    const heddle_activity_hearing* hearing = nullptr;
    size_t open = 0;  // activities
    bool closing = false;
  };
  struct Open {
    heddle_id group = 0;
    WorkerGroup::Id id = 0;              // 0: it has just begun
    std::optional<std::string> unwanted = {};  // meanwhile: why
  };
  // One activity on its way, as those who hear of it know it.
  struct Way {
    heddle_id id = 0;
    const heddle_activity_hearing* told = nullptr;
    void* ctx = nullptr;
    std::string activity = {};
    const ActivityKind* spec = nullptr;  // null: nothing is checked. Lives as long as the group is open
  };

  Result<heddle_id> open(const Value& options, const heddle_activity_hearing* hearing);
  heddle_id assign(heddle_id group, const heddle_assignment& a, void* ctx);
  void name(ActivityRequest& request, heddle_id id) const;
  void assign_checked(const std::shared_ptr<WorkerGroup>& workers, const ActivityPolicy& policy, ActivityRequest request, const Way& way);
  void cancel(heddle_id activity, const std::string& reason);
  void close(heddle_id group);
  void answer(const Way& way, ActivityAnswer answer);
  void over(heddle_id activity);

  const SidecarAccess access_;
  const std::string begin_of_ids_;  // of activities: no two tables have the same
  std::mutex mutex_;
  std::condition_variable fewer_;
  // Guarded by mutex_:
  std::map<heddle_id, Group> groups_;
  std::unordered_map<heddle_id, Open> open_;
  heddle_id last_ = 0;
};

}  // namespace heddle
