#include "plugin/sidecars.h"

#include <utility>

#include "log.h"
#include "plugin/answer_of.h"

namespace heddle {
namespace {

constexpr uint64_t kKeepNs = 600 * kNsPerSecond;  // a group that nobody holds any more

// Where they are to be found becomes the settings' endpoints.
Result<std::vector<std::unique_ptr<WorkerProcess>>> start_processes(WorkerSettings& settings) {
  if (!settings.process) return std::vector<std::unique_ptr<WorkerProcess>>();
  auto all = WorkerProcess::start(*settings.process, settings.processes);
  if (!all) return all;
  for (const auto& process : *all) settings.endpoints.push_back({.address = process->endpoint()});
  return all;
}

// When nobody has a worker of it any more.
void end(SidecarHandle* sidecar, const std::string& name) {
  const std::unique_ptr<SidecarHandle> owned(sidecar);
  const auto ended = answer_of<void>([sidecar](auto done) { sidecar->deactivate(std::move(done)); });
  if (!ended) log::write(log::Level::kWarn, name, "it did not end cleanly: " + ended.error().text());
}

}  // namespace

Sidecars::Sidecars(Lanes& lanes, std::shared_ptr<const Catalog> catalog) : lanes_(lanes), errands_(lanes, *lanes.find(kOwnLane)), catalog_(std::move(catalog)) {}

Sidecars::~Sidecars() {
  for (const auto& [key, group] : groups_) group->close();
  groups_.clear();
}

void Sidecars::use(std::shared_ptr<const Catalog> catalog) {
  std::lock_guard lock(mutex_);
  catalog_ = std::move(catalog);
}

Result<std::shared_ptr<WorkerGroup>> Sidecars::open(WorkerSettings settings) {
  const std::string key = settings.key();
  if (auto found = find(key)) return found;
  std::lock_guard starting(starting_);
  if (auto found = find(key)) return found;
  const auto handle = sidecar(settings);
  if (!handle) return handle.error();
  auto store = broker(settings);
  if (!store) return std::move(store).error();
  auto processes = start_processes(settings);
  if (!processes) return std::move(processes).error();
  auto group = std::make_shared<WorkerGroup>(std::move(settings), *handle, errands_, *std::move(processes), *std::move(store));
  if (auto begun = group->connect(); !begun) return std::move(begun).error();
  drop_idle();
  std::lock_guard lock(mutex_);
  groups_.emplace(key, group);
  return group;
}

std::vector<std::shared_ptr<const WorkerGroup>> Sidecars::groups() const {
  std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<const WorkerGroup>> all;
  for (const auto& [key, group] : groups_) all.push_back(group);
  return all;
}

std::shared_ptr<WorkerGroup> Sidecars::find(const std::string& key) const {
  std::lock_guard lock(mutex_);
  const auto found = groups_.find(key);
  return found == groups_.end() ? nullptr : found->second;
}

void Sidecars::drop_idle() {
  std::vector<std::shared_ptr<WorkerGroup>> dropped;
  const uint64_t now = now_ns();
  {
    std::lock_guard lock(mutex_);
    for (auto at = groups_.begin(); at != groups_.end();) {
      const bool is_idle = at->second.use_count() == 1 && now - at->second->last_used_ns() > kKeepNs;
      if (is_idle) dropped.push_back(std::move(at->second));
      at = is_idle ? groups_.erase(at) : std::next(at);
    }
  }
  for (const auto& group : dropped) group->close();
  dropped.clear();
  std::erase_if(sidecars_, [](const auto& one) { return one.second.expired(); });
}

Result<Sidecars::Type> Sidecars::find_type(const char* kind, const std::string& name) const {
  std::shared_ptr<const Catalog> catalog;
  {
    std::lock_guard lock(mutex_);
    catalog = catalog_;
  }
  CatalogEntry entry = catalog->find(kind, name);
  if (entry.type) return Type{catalog, entry};
  const std::string hint = catalog->hint_for(kind, name);
  return Error("no-type", "no plugin has the " + std::string(kind) + " \"" + name + "\"" + (hint.empty() ? "" : "; " + hint), ErrorClass::kConfig);
}

Result<std::unique_ptr<BrokerHandle>> Sidecars::broker(const WorkerSettings& settings) {
  if (!settings.broker) return std::unique_ptr<BrokerHandle>();
  const auto entry = find_type("broker", settings.broker->type);
  if (!entry) return entry.error();
  return BrokerHandle::create(entry->entry, settings.broker->type, settings.broker->params, &lanes_, *lanes_.find("control"));
}

Result<std::shared_ptr<SidecarHandle>> Sidecars::sidecar(const WorkerSettings& settings) {
  const std::string key = settings.sidecar + settings.params.json();
  if (const auto found = sidecars_.find(key); found != sidecars_.end()) {
    if (auto there = found->second.lock()) return there;
  }
  const auto entry = find_type("sidecar", settings.sidecar);
  if (!entry) return entry.error();
  auto made = SidecarHandle::create(entry->entry, settings.sidecar, settings.params, &lanes_, *lanes_.find("control"));
  if (!made) return std::move(made).error();
  if (auto active = answer_of<void>([&](auto done) { (*made)->activate(std::move(done)); }); !active) return std::move(active).error();
  std::shared_ptr<SidecarHandle> handle(made->release(), [name = settings.sidecar](SidecarHandle* sidecar) { end(sidecar, name); });
  sidecars_[key] = handle;
  return handle;
}

}  // namespace heddle
