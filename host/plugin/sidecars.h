// Sidecars: the groups of workers of this process, and the sidecars that speak with them: one object of each type and its params, and one group for all who ask for the same.
#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "lanes/errands.h"
#include "lanes/lanes.h"
#include "plugin/catalog.h"
#include "plugin/sidecar_handle.h"
#include "plugin/worker_group.h"
#include "result.h"

namespace heddle {

class Sidecars {
 public:
  // Timers go by the lane "system". `lanes` outlives it.
  Sidecars(Lanes& lanes, std::shared_ptr<const Catalog> catalog);
  // [setup] No activity is open any more. Leaves the workers.
  ~Sidecars();
  Sidecars(const Sidecars&) = delete;
  Sidecars& operator=(const Sidecars&) = delete;

  // [any] Sidecars that are not there yet come from this one.
  void use(std::shared_ptr<const Catalog> catalog);

  // [start] The group with these settings, new where there is none; no worker need be there for that. Errors: "no-type" (no plugin has the sidecar), what the sidecar says.
  Result<std::shared_ptr<WorkerGroup>> open(WorkerSettings settings);
  // [any] All there are.
  std::vector<std::shared_ptr<const WorkerGroup>> groups() const;

 private:
  Result<std::shared_ptr<SidecarHandle>> sidecar(const WorkerSettings& settings);
  Result<std::unique_ptr<BrokerHandle>> broker(const WorkerSettings& settings);  // null: none is wanted
  struct Type {
    std::shared_ptr<const Catalog> catalog;  // that the entry points into
    CatalogEntry entry;
  };
  Result<Type> find_type(const char* kind, const std::string& name) const;
  std::shared_ptr<WorkerGroup> find(const std::string& key) const;
  void drop_idle();

  Lanes& lanes_;
  std::mutex starting_;  // held around [start] calls into sidecars, and what follows from them
  std::map<std::string, std::weak_ptr<SidecarHandle>> sidecars_;  // guarded by starting_; by type and params; they are their groups'
  Errands errands_;
  mutable std::mutex mutex_;
  // Guarded by mutex_:
  std::shared_ptr<const Catalog> catalog_;
  std::map<std::string, std::shared_ptr<WorkerGroup>> groups_;
};

}  // namespace heddle
