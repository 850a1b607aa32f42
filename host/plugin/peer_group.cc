#include "plugin/peer_group.h"

#include <algorithm>
#include <utility>

#include "plugin/answer_of.h"
#include "plugin/peer_call.h"

namespace heddle {
namespace {

constexpr uint64_t kRounds = 12;  // of probes after the last call

}  // namespace

PeerGroup::PeerGroup(PeerSettings settings, std::vector<std::vector<std::unique_ptr<Channel>>> channels, Errands& errands)
    : settings_(std::move(settings)), channels_(std::move(channels)), errands_(errands) {
  for (const auto& endpoints : settings_.pools) pools_.push_back(std::make_unique<EndpointPool>(endpoints, settings_.policy));
}

PeerGroup::~PeerGroup() = default;

std::vector<EndpointPool*> PeerGroup::pools() const {
  std::vector<EndpointPool*> all;
  for (const auto& pool : pools_) all.push_back(pool.get());
  return all;
}

std::shared_ptr<PeerCall> PeerGroup::call(const CallPolicy& policy, PeerRequest request, PeerHearing hearing) {
  keep_probing();
  auto call = std::make_shared<PeerCall>(shared_from_this(), policy, std::move(request), std::move(hearing));
  call->begin();
  return call;
}

std::vector<std::vector<EndpointPool::Endpoint>> PeerGroup::standing(uint64_t now) const {
  std::vector<std::vector<EndpointPool::Endpoint>> all;
  for (const auto& pool : pools_) all.push_back(pool->endpoints(now));
  return all;
}

void PeerGroup::close() {
  for (const auto& pool : channels_)
    for (const auto& channel : pool) static_cast<void>(answer_of<void>([&](auto done) { channel->disconnect(std::move(done)); }));
}

void PeerGroup::keep_probing() {
  last_used_ns_ = now_ns();
  if (settings_.probe_ns == 0 || probing_.exchange(true)) return;
  errands_.run([weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->probe_all();
  });
}

void PeerGroup::probe_all() {
  size_t endpoints = 1;  // and we, until all are asked
  for (const auto& pool : channels_) endpoints += pool.size();
  unanswered_ = endpoints;
  for (size_t pool = 0; pool < channels_.size(); ++pool) {
    for (size_t endpoint = 0; endpoint < channels_[pool].size(); ++endpoint) {
      channels_[pool][endpoint]->probe([weak = weak_from_this(), pool, endpoint](const Result<void>& outcome) {
        if (const auto self = weak.lock()) self->probed(pool, endpoint, outcome);
      });
    }
  }
  if (unanswered_.fetch_sub(1) == 1) plan_next_round();
}

void PeerGroup::probed(size_t pool, size_t endpoint, const Result<void>& outcome) {
  pools_[pool]->probed(endpoint, outcome.has_value(), outcome ? "" : outcome.error().text(), now_ns());
  if (unanswered_.fetch_sub(1) == 1) plan_next_round();
}

void PeerGroup::plan_next_round() {
  const uint64_t now = now_ns();
  if (now - last_used_ns_ > kRounds * settings_.probe_ns) {
    probing_ = false;
    return;
  }
  errands_.at(now + settings_.probe_ns, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->probe_all();
  });
}

}  // namespace heddle
