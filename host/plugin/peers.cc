#include "plugin/peers.h"

#include <utility>

#include "log.h"
#include "plugin/answer_of.h"

namespace heddle {
namespace {

constexpr uint64_t kKeepNs = 600 * kNsPerSecond;  // a group that nobody holds any more

}  // namespace

Peers::Peers(Lanes& lanes, std::shared_ptr<const Catalog> catalog) : lanes_(lanes), errands_(lanes, *lanes.find(kOwnLane)), catalog_(std::move(catalog)) {}

Peers::~Peers() {
  for (const auto& [key, group] : groups_) group->close();
  groups_.clear();
  for (const auto& [name, transport] : transports_) {
    const auto ended = answer_of<void>([&handle = *transport](auto done) { handle.deactivate(std::move(done)); });
    if (!ended) log::write(log::Level::kWarn, name, "it did not end cleanly: " + ended.error().text());
  }
}

void Peers::use(std::shared_ptr<const Catalog> catalog) {
  std::lock_guard lock(mutex_);
  catalog_ = std::move(catalog);
}

Result<std::shared_ptr<PeerGroup>> Peers::open(PeerSettings settings) {
  const std::string key = settings.key();
  if (auto found = find(key)) return found;
  std::lock_guard starting(starting_);
  if (auto found = find(key)) return found;
  auto channels = connect(settings);
  if (!channels) return std::move(channels).error();
  drop_idle();
  auto group = std::make_shared<PeerGroup>(std::move(settings), *std::move(channels), errands_);
  std::lock_guard lock(mutex_);
  groups_.emplace(key, group);
  return group;
}

std::vector<std::shared_ptr<const PeerGroup>> Peers::groups() const {
  std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<const PeerGroup>> all;
  for (const auto& [key, group] : groups_) all.push_back(group);
  return all;
}

std::shared_ptr<PeerGroup> Peers::find(const std::string& key) const {
  std::lock_guard lock(mutex_);
  const auto found = groups_.find(key);
  return found == groups_.end() ? nullptr : found->second;
}

void Peers::drop_idle() {
  std::vector<std::shared_ptr<PeerGroup>> dropped;  // after the lock: their channels end
  const uint64_t now = now_ns();
  std::lock_guard lock(mutex_);
  for (auto at = groups_.begin(); at != groups_.end();) {
    const bool is_idle = at->second.use_count() == 1 && now - at->second->last_used_ns() > kKeepNs;
    if (is_idle) dropped.push_back(std::move(at->second));
    at = is_idle ? groups_.erase(at) : std::next(at);
  }
}

Result<TransportHandle*> Peers::transport(const std::string& name) {
  if (const auto found = transports_.find(name); found != transports_.end()) return found->second.get();
  std::shared_ptr<const Catalog> catalog;
  {
    std::lock_guard lock(mutex_);
    catalog = catalog_;
  }
  const CatalogEntry entry = catalog->find("transport", name);
  if (!entry.type) {
    const std::string hint = catalog->hint_for("transport", name);
    return Error("no-type", "no plugin has the transport \"" + name + "\"" + (hint.empty() ? "" : "; " + hint), ErrorClass::kConfig);
  }
  const auto params = Value::map({});
  auto made = TransportHandle::create(entry, name, *params, &lanes_, *lanes_.find("control"));
  if (!made) return std::move(made).error();
  if (auto active = answer_of<void>([&](auto done) { (*made)->activate(std::move(done)); }); !active) return std::move(active).error();
  return transports_.emplace(name, *std::move(made)).first->second.get();
}

Result<std::vector<std::vector<std::unique_ptr<Channel>>>> Peers::connect(const PeerSettings& settings) {
  const auto found = transport(settings.transport);
  if (!found) return found.error();
  std::vector<std::vector<std::unique_ptr<Channel>>> pools;
  for (const auto& pool : settings.pools) {
    auto& channels = pools.emplace_back();
    for (const EndpointSpec& endpoint : pool) {
      const ChannelOptions options{.endpoint = endpoint.address, .operations = settings.operations, .tls = settings.tls, .connect_ms = settings.connect_ms,
                                   .most_body_bytes = settings.most_body_bytes};
      auto channel = answer_of<std::unique_ptr<Channel>>([&](auto done) { (*found)->connect(options, std::move(done)); });
      if (!channel) return Error("no-channel", "there is no way to " + endpoint.address, ErrorClass::kConfig).because(std::move(channel).error());
      channels.push_back(*std::move(channel));
    }
  }
  return pools;
}

}  // namespace heddle
