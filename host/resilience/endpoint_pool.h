// EndpointPool: the endpoints that one service can be had from. It picks one for each attempt, learns from what becomes of it, and keeps away from those that fail.
//
// An endpoint is left out while its breaker is open, while a probe says that it is not well, or while it is ejected: for eject_ns, times how often it was, after so many failures in a row,
// but no more than a share of the pool at once. If fewer than panic_percent of the endpoints would be left, that they are not well or ejected is ignored: a pool that sends everything to the few that
// are left loses these, too. Breakers are never ignored.
#pragma once
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "histogram.h"
#include "resilience/circuit_breaker.h"
#include "resilience/retry_budget.h"

namespace heddle {

enum class Balance : uint8_t {
  kRoundRobin,        // smoothly by weight
  kLeastConnections,  // calls in flight, by weight
  kRandom,            // by weight
  kPowerOfTwo,        // of two at random, by weight, the one with less in flight x latency
  kHash               // by the call's key: an endpoint that comes or goes moves no keys but its own
};
std::string_view name_of(Balance balance);
std::optional<Balance> balance_named(std::string_view name);

struct EndpointSpec {
  std::string address;
  uint32_t weight = 1;
};

struct PoolPolicy {
  Balance balance = Balance::kRoundRobin;
  std::optional<BreakerPolicy> breaker = BreakerPolicy();
  uint32_t eject_after = 5;                     // failures in a row; 0: never
  uint64_t eject_ns = 30 * kNsPerSecond;
  uint32_t eject_percent = 50;                  // of the endpoints, at most, rounded down
  uint32_t panic_percent = 50;
  uint64_t slow_start_ns = 10 * kNsPerSecond;   // an endpoint that is back gets its weight bit by bit; 0: at once
  RetryBudget::Policy budget = {};
};

// Why an attempt is made.
enum class AttemptKind : uint8_t { kFirst, kRetry, kHedge };

class EndpointPool {
 public:
  EndpointPool(std::vector<EndpointSpec> endpoints, PoolPolicy policy, Draw draw = draw_randomly);
  EndpointPool(const EndpointPool&) = delete;
  EndpointPool& operator=(const EndpointPool&) = delete;

  struct Pick {
    size_t endpoint = 0;
    CircuitBreaker::Ticket ticket = 0;
  };
  // [any] The endpoint for one attempt; ended() is to follow. Those in `tried` come only if there is no other. Empty: every breaker is open.
  std::optional<Pick> pick(uint64_t key, const std::vector<size_t>& tried, uint64_t now, AttemptKind kind = AttemptKind::kFirst);
  // [any] `latency_ns`, until the answer, counts for kGood only; `why` is kept for show where it is kBad.
  void ended(Pick pick, CallOutcome outcome, uint64_t latency_ns, std::string why, uint64_t now);
  // [any] Of `these`, which can take one more, and of no others: those that are not well or ejected come only if there is no other. Empty: every breaker is open; closed_until() says when to ask
  // again.
  std::optional<Pick> pick_of(const std::vector<size_t>& these, uint64_t now, AttemptKind kind);
  uint64_t closed_until(const std::vector<size_t>& these, uint64_t now) const;  // UINT64_MAX: when one of those ends that try
  // [any] What a probe says.
  void probed(size_t endpoint, bool well, std::string why, uint64_t now);

  size_t size() const { return endpoints_.size(); }
  const std::string& address(size_t endpoint) const { return endpoints_[endpoint].spec.address; }
  // [any] A call begins, of which retries may follow; and whether one more retry may.
  void called(uint64_t now);
  bool may_retry(uint64_t now);
  // [any] The latency that `percentile` % of the last good calls to any of them did not exceed; 0: there were too few.
  uint64_t latency_ns(uint32_t percentile) const;

  struct Endpoint {
    std::string address;
    uint32_t weight = 1;
    std::optional<CircuitBreaker::State> breaker = {};  // none: it has none
    uint64_t breaker_until_ns = 0;                      // of one that is open
    bool well = true;                                   // says the last probe
    bool ejected = false;
    uint64_t ejected_until_ns = 0;                      // of one that is
    bool slow_start = false;                            // it is back, and does not get its whole weight yet
    uint64_t in_flight = 0, good = 0, bad = 0, given_up = 0;  // attempts: all that were made
    uint64_t retries = 0, hedges = 0;                   // of those
    uint64_t ejections = 0, opened = 0;
    uint64_t p50_ns = 0, p95_ns = 0;                    // of the last good ones; 0: there were none
    Durations took = {};                                // all good ones
    std::string last_error = {};                        // of an attempt or a probe
    uint64_t last_error_ns = 0;                         // when; 0: there was none
    // "healthy", "slow-start", "unhealthy" (says a probe) or "ejected". Of its breaker this says nothing.
    std::string_view state() const { return ejected ? "ejected" : !well ? "unhealthy" : slow_start ? "slow-start" : "healthy"; }
  };
  // [any] How they stand, in their order.
  std::vector<Endpoint> endpoints(uint64_t now) const;

 private:
  // The last good calls: a ring.
  class Latencies {
   public:
    void add(uint64_t ns);
    size_t count() const { return ring_.size(); }
    uint64_t quantile(double share) const;  // 0: there are none

   private:
    static constexpr size_t kLast = 128;
    std::vector<uint64_t> ring_;
    size_t next_ = 0;
  };
  struct State {
    EndpointSpec spec;
    std::optional<CircuitBreaker> breaker;
    bool well = true;
    uint32_t bad_in_row = 0;
    uint64_t ejected_until_ns = 0, back_since_ns = 0;  // back: well again after it was not; 0: it always was
    uint64_t in_flight = 0, good = 0, bad = 0, given_up = 0, retries = 0, hedges = 0, ejections = 0;
    double smoothed_ns = 0;      // latency
    double credit = 0;           // round robin
    Latencies latencies = {};
    std::unique_ptr<Histogram> took = std::make_unique<Histogram>();
    std::string last_error = {};
    uint64_t last_error_ns = 0;
  };

  bool is_out(const State& e, uint64_t now) const { return !e.well || now < e.ejected_until_ns; }
  bool is_slow(const State& e, uint64_t now) const { return e.back_since_ns != 0 && now < e.back_since_ns + policy_.slow_start_ns; }
  Endpoint standing(const State& e, uint64_t now) const;
  double weight(const State& e, uint64_t now) const;
  std::vector<size_t> candidates(const std::vector<size_t>& tried, uint64_t now) const;
  size_t choose(const std::vector<size_t>& among, uint64_t key, uint64_t now);
  Pick begin(size_t chosen, AttemptKind kind, uint64_t now);
  size_t by_round_robin(const std::vector<size_t>& among, uint64_t now);
  size_t by_weight(const std::vector<size_t>& among, uint64_t now) const;
  size_t by_hash(const std::vector<size_t>& among, uint64_t key) const;
  void eject_if_allowed(State& e, uint64_t now);

  const PoolPolicy policy_;
  const Draw draw_;
  mutable std::mutex mutex_;
  std::vector<State> endpoints_;  // guarded by mutex_, but for spec
  Latencies latencies_;           // guarded by mutex_: of all of them
  RetryBudget budget_;            // guarded by mutex_
};

}  // namespace heddle
