// PeerGroup: endpoints that one service can be had from, and the channels to them, kept as long as somebody may call. What is known of each endpoint (breaker, ejections, latency)
// is shared by all who call the group.
//
// Endpoints are probed while there are calls: a group that nobody has called for a while is left alone until somebody does.
#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "lanes/errands.h"
#include "plugin/channel.h"
#include "plugin/peer_settings.h"
#include "resilience/attempts.h"
#include "result.h"
#include "tracer.h"

namespace heddle {

class PeerCall;

struct PeerRequest {
  // Of an attempt: its deadline is the call's, 0: none but the policy's; `attempt` and `idempotency-key` are added to its metadata.
  RemoteCall call;
  bool repeatable = false;           // it may be done twice
  std::string idempotency_key = {};  // goes with a call that is repeatable; empty: none
  uint64_t key = 0;                  // for a pool that balances by hash
  Tracer* tracer = nullptr;          // of the call's trace; null: nothing is recorded
};

struct PeerAnswer {
  RemoteAnswer answer;  // with a failure, `why` names every endpoint that was tried, or is known to fail, and its reason
  Attempts::Ending ending = Attempts::Ending::kOpen;
  std::vector<Attempts::Attempt> history = {};
  std::string endpoint = {};  // that answered; empty: none
  uint64_t took_ns = 0;
};

// As Hearing, of which it differs in that `answered` is told after the last attempt. An answer with parts counts with its first one: one that breaks off before is one more failed attempt.
struct PeerHearing {
  std::function<void(PeerAnswer)> answered;
  std::function<void(Value)> part = {};
  std::function<void(Result<void>)> ended = {};
  uint32_t credit = 64;
};

class PeerGroup : public std::enable_shared_from_this<PeerGroup> {
 public:
  // `channels`: one to each endpoint of `settings`, in the same order. `errands` outlives every call of it.
  PeerGroup(PeerSettings settings, std::vector<std::vector<std::unique_ptr<Channel>>> channels, Errands& errands);
  ~PeerGroup();

  // [any] Nothing here blocks; the answer may come before it returns. The handle may be dropped at any time.
  std::shared_ptr<PeerCall> call(const CallPolicy& policy, PeerRequest request, PeerHearing hearing);

  const PeerSettings& settings() const { return settings_; }
  // [any] How the endpoints of each pool stand.
  std::vector<std::vector<EndpointPool::Endpoint>> standing(uint64_t now) const;
  uint64_t last_used_ns() const { return last_used_ns_; }

  // [setup] Ends the channels, and waits for that. No call is open, and none follows.
  void close();

 private:
  friend class PeerCall;
  std::vector<EndpointPool*> pools() const;
  Channel& channel(size_t pool, size_t endpoint) { return *channels_[pool][endpoint]; }
  void keep_probing();
  void probe_all();
  void probed(size_t pool, size_t endpoint, const Result<void>& outcome);
  void plan_next_round();

  const PeerSettings settings_;
  const std::vector<std::vector<std::unique_ptr<Channel>>> channels_;
  std::vector<std::unique_ptr<EndpointPool>> pools_;
  Errands& errands_;
  std::atomic<uint64_t> last_used_ns_{0};
  std::atomic<bool> probing_{false};
  std::atomic<size_t> unanswered_{0};  // probes of this round
};

}  // namespace heddle
