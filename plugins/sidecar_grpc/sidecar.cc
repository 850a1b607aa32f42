#include "sidecar.h"

#include <grpc/grpc.h>
#include <heddle/sdk/quiet.h>

#include <algorithm>
#include <utility>

#include "outside.h"

namespace sidecar_grpc {

using heddle::sdk::Error;
using heddle::sdk::ValueRef;
using heddle::sdk::detail::services;

struct Sidecar::Place {
  explicit Place(ValueRef options) : connection(options) {}
  Connection connection;
  std::shared_ptr<Peer> peer;
  bool disconnecting = false;
};

Sidecar::Library::Library() {
  const heddle::sdk::BlockSignals blocked;
  grpc_init();
}
Sidecar::Library::~Library() { grpc_shutdown_blocking(); }

Sidecar::Sidecar(const heddle::sdk::Config& config, PeerMaker maker)
    : maker_(std::move(maker)), host_(config.host().get()), timers_(host_), inbox_(heddle::sdk::detail::service<heddle_assignments_service>(host_, HEDDLE_ASSIGNMENTS)) {
  if (!HEDDLE_HAS(inbox_, done)) throw Error(HEDDLE_UNSUPPORTED, "the host has no " HEDDLE_ASSIGNMENTS " for this object");
  if (!services.sched) throw Error(HEDDLE_UNSUPPORTED, "the host has no " HEDDLE_SCHED);
  const heddle::sdk::BlockSignals blocked;
  closer_ = std::thread([this] { close_all(); });
}

Sidecar::~Sidecar() {
  std::vector<std::pair<heddle_id, std::shared_ptr<Peer>>> left;
  {
    std::lock_guard lock(mutex_);
    for (const auto& [id, place] : places_)
      if (place && !std::exchange(place->disconnecting, true)) left.emplace_back(id, place->peer);
  }
  for (const auto& [id, worker] : left) worker->disconnect([this, id = id] { close(id, [] {}); });
  {
    std::lock_guard lock(mutex_);
    ending_ = true;
    changed_.notify_all();
  }
  closer_.join();
}

void Sidecar::connect(heddle_id id, ValueRef options) {
  auto place = std::make_unique<Place>(options);
  const std::shared_ptr<Peer> peer = place->peer = maker_(Site{host_, inbox_, id, place->connection, timers_}, options);
  {
    std::lock_guard lock(mutex_);
    if (!places_.emplace(id, std::move(place)).second) throw Error(HEDDLE_CONFLICT, "there is a worker " + std::to_string(id) + " already");
  }
  peer->connect();
}

std::shared_ptr<Peer> Sidecar::find(heddle_id worker) {
  std::lock_guard lock(mutex_);
  const auto found = places_.find(worker);
  if (found == places_.end() || !found->second) throw Error(HEDDLE_NOT_FOUND, "there is no worker " + std::to_string(worker));
  return found->second->peer;
}

void Sidecar::assign(heddle_id worker, const heddle_assignment& a) { find(worker)->assign(a, services.sched->now_ns(host_)); }

void Sidecar::cancel(heddle_id assignment, const std::string& reason, uint64_t grace_ns) {
  std::vector<std::shared_ptr<Peer>> all;
  {
    std::lock_guard lock(mutex_);
    for (const auto& [id, place] : places_)
      if (place) all.push_back(place->peer);
  }
  for (const auto& worker : all)
    if (worker->cancel(assignment, reason, grace_ns)) return;
}

void Sidecar::drain(heddle_id worker) { find(worker)->drain(); }

void Sidecar::probe(heddle_id worker, Peer::Said said) { find(worker)->probe(std::move(said)); }

void Sidecar::disconnect(heddle_id id, std::function<void()> done) {
  std::shared_ptr<Peer> worker;
  {
    std::lock_guard lock(mutex_);
    const auto found = places_.find(id);
    if (found == places_.end() || !found->second || std::exchange(found->second->disconnecting, true)) throw Error(HEDDLE_NOT_FOUND, "there is no worker " + std::to_string(id) + ", or it is disconnected already");
    worker = found->second->peer;
  }
  worker->disconnect([this, id, done = std::move(done)]() mutable { close(id, std::move(done)); });
}

void Sidecar::close(heddle_id worker, std::function<void()> done) {
  std::lock_guard lock(mutex_);
  closing_.emplace_back(worker, std::move(done));
  changed_.notify_all();
}

// The closer's thread.
void Sidecar::close_all() {
  std::unique_lock lock(mutex_);
  while (!ending_ || !places_.empty()) {
    changed_.wait(lock, [this] { return !closing_.empty() || (ending_ && places_.empty()); });
    if (closing_.empty()) continue;
    auto [id, done] = std::move(closing_.front());
    closing_.pop_front();
    const auto found = places_.find(id);
    std::unique_ptr<Place> last = std::move(found->second);
    lock.unlock();
    last.reset();
    done();
    lock.lock();
    places_.erase(found);
  }
}

uint32_t slots_of(ValueRef options) { return static_cast<uint32_t>(std::min<uint64_t>(number_of(options, "slots"), kMostSlots)); }

}  // namespace sidecar_grpc
