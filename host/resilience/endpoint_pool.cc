#include "resilience/endpoint_pool.h"

#include <algorithm>
#include <cmath>

namespace heddle {
namespace {

constexpr std::string_view kBalances[] = {"round_robin", "least_connections", "random", "p2c", "hash"};
constexpr double kSmoothing = 0.2;       // of a new latency in the smoothed one
constexpr double kFirstShare = 0.1;      // of its weight that an endpoint begins a slow start with
constexpr size_t kFewestToHedgeBy = 20;  // good calls

// The finalizer of SplitMix64: every bit of the result hangs on every bit of `x`.
uint64_t mixed(uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

}  // namespace

std::string_view name_of(Balance balance) { return kBalances[static_cast<size_t>(balance)]; }

std::optional<Balance> balance_named(std::string_view name) {
  const auto found = std::find(std::begin(kBalances), std::end(kBalances), name);
  if (found == std::end(kBalances)) return std::nullopt;
  return static_cast<Balance>(found - std::begin(kBalances));
}

void EndpointPool::Latencies::add(uint64_t ns) {
  if (ring_.size() < kLast) return ring_.push_back(ns);
  ring_[next_] = ns;
  next_ = (next_ + 1) % kLast;
}

uint64_t EndpointPool::Latencies::quantile(double share) const {
  if (ring_.empty()) return 0;
  std::vector<uint64_t> sorted = ring_;
  const auto at = sorted.begin() + static_cast<long>(share * static_cast<double>(sorted.size() - 1));
  std::nth_element(sorted.begin(), at, sorted.end());
  return *at;
}

EndpointPool::EndpointPool(std::vector<EndpointSpec> endpoints, PoolPolicy policy, Draw draw) : policy_(policy), draw_(std::move(draw)), budget_(policy.budget) {
  for (EndpointSpec& spec : endpoints) {
    State& e = endpoints_.emplace_back();
    e.spec = std::move(spec);
    if (policy_.breaker) e.breaker.emplace(*policy_.breaker, draw_);
  }
}

std::optional<EndpointPool::Pick> EndpointPool::pick(uint64_t key, const std::vector<size_t>& tried, uint64_t now, AttemptKind kind) {
  std::lock_guard lock(mutex_);
  std::vector<size_t> among = candidates(tried, now);
  if (among.empty() && !tried.empty()) among = candidates({}, now);
  if (among.empty()) return std::nullopt;
  return begin(choose(among, key, now), kind, now);
}

std::optional<EndpointPool::Pick> EndpointPool::pick_of(const std::vector<size_t>& these, uint64_t now, AttemptKind kind) {
  std::lock_guard lock(mutex_);
  std::vector<size_t> open, well;
  for (const size_t i : these) {
    const State& e = endpoints_[i];
    if (e.breaker && !e.breaker->may_begin(now)) continue;
    open.push_back(i);
    if (!is_out(e, now)) well.push_back(i);
  }
  if (open.empty()) return std::nullopt;
  return begin(choose(well.empty() ? open : well, 0, now), kind, now);
}

uint64_t EndpointPool::closed_until(const std::vector<size_t>& these, uint64_t now) const {
  std::lock_guard lock(mutex_);
  uint64_t soonest = UINT64_MAX;
  for (const size_t i : these) {
    const auto& breaker = endpoints_[i].breaker;
    if (breaker && breaker->until_ns() > now) soonest = std::min(soonest, breaker->until_ns());
  }
  return soonest;
}

EndpointPool::Pick EndpointPool::begin(size_t chosen, AttemptKind kind, uint64_t now) {
  State& e = endpoints_[chosen];
  ++e.in_flight;
  if (kind != AttemptKind::kFirst) ++(kind == AttemptKind::kRetry ? e.retries : e.hedges);
  return Pick{chosen, e.breaker ? e.breaker->begin(now) : 0};
}

// Those that may be called, but for `tried`.
std::vector<size_t> EndpointPool::candidates(const std::vector<size_t>& tried, uint64_t now) const {
  const auto in = static_cast<size_t>(std::count_if(endpoints_.begin(), endpoints_.end(), [&](const State& e) { return !is_out(e, now); }));
  const bool panic = in * 100 < endpoints_.size() * policy_.panic_percent || in == 0;
  std::vector<size_t> out;
  for (size_t i = 0; i < endpoints_.size(); ++i) {
    const State& e = endpoints_[i];
    if (std::find(tried.begin(), tried.end(), i) != tried.end()) continue;
    if (e.breaker && !e.breaker->may_begin(now)) continue;
    if (panic || !is_out(e, now)) out.push_back(i);
  }
  return out;
}

double EndpointPool::weight(const State& e, uint64_t now) const {
  const double whole = std::max<uint32_t>(1, e.spec.weight);
  if (!is_slow(e, now)) return whole;
  if (now <= e.back_since_ns) return whole * kFirstShare;
  return whole * std::max(kFirstShare, static_cast<double>(now - e.back_since_ns) / static_cast<double>(policy_.slow_start_ns));
}

size_t EndpointPool::choose(const std::vector<size_t>& among, uint64_t key, uint64_t now) {
  if (among.size() == 1) return among[0];
  switch (policy_.balance) {
    case Balance::kRoundRobin: return by_round_robin(among, now);
    case Balance::kRandom: return by_weight(among, now);
    case Balance::kHash: return by_hash(among, key);
    case Balance::kLeastConnections: {
      const auto load = [&](size_t i) { return static_cast<double>(endpoints_[i].in_flight) / weight(endpoints_[i], now); };
      double least = load(among[0]);
      for (const size_t i : among) least = std::min(least, load(i));
      std::vector<size_t> idlest;
      std::copy_if(among.begin(), among.end(), std::back_inserter(idlest), [&](size_t i) { return load(i) <= least; });
      return by_round_robin(idlest, now);
    }
    case Balance::kPowerOfTwo: break;
  }
  const size_t one = by_weight(among, now);
  std::vector<size_t> others = among;
  std::erase(others, one);
  const size_t other = by_weight(others, now);
  const auto cost = [&](size_t i) {
    const State& e = endpoints_[i];
    return static_cast<double>(e.in_flight + 1) * std::max(1.0, e.smoothed_ns) / weight(e, now);
  };
  return cost(other) < cost(one) ? other : one;
}

// Each gains its weight, who has most is picked and pays the weight of all: the picks of one endpoint lie as far apart as they can.
size_t EndpointPool::by_round_robin(const std::vector<size_t>& among, uint64_t now) {
  double all = 0;
  size_t best = among[0];
  for (const size_t i : among) {
    const double w = weight(endpoints_[i], now);
    endpoints_[i].credit += w;
    all += w;
    if (endpoints_[i].credit > endpoints_[best].credit) best = i;
  }
  endpoints_[best].credit -= all;
  return best;
}

size_t EndpointPool::by_weight(const std::vector<size_t>& among, uint64_t now) const {
  constexpr uint64_t kSteps = uint64_t{1} << 53;
  double all = 0;
  for (const size_t i : among) all += weight(endpoints_[i], now);
  double left = static_cast<double>(draw_(kSteps - 1)) / static_cast<double>(kSteps) * all;
  for (const size_t i : among) {
    left -= weight(endpoints_[i], now);
    if (left < 0) return i;
  }
  return among.back();
}

// Weighted rendezvous hashing (Wang, Ravishankar and others, "Weighted distributed hash tables", 2005): each endpoint draws -weight / ln(h), the largest has the key.
size_t EndpointPool::by_hash(const std::vector<size_t>& among, uint64_t key) const {
  size_t best = among[0];
  double highest = -1;
  for (const size_t i : among) {
    uint64_t h = mixed(key);
    for (const char c : endpoints_[i].spec.address) h = mixed(h ^ static_cast<unsigned char>(c));
    const double share = (static_cast<double>(h >> 11) + 0.5) / static_cast<double>(uint64_t{1} << 53);
    const double score = -static_cast<double>(std::max<uint32_t>(1, endpoints_[i].spec.weight)) / std::log(share);
    if (score > highest) highest = score, best = i;
  }
  return best;
}

void EndpointPool::ended(Pick pick, CallOutcome outcome, uint64_t latency_ns, std::string why, uint64_t now) {
  std::lock_guard lock(mutex_);
  State& e = endpoints_[pick.endpoint];
  --e.in_flight;
  if (e.breaker) e.breaker->ended(pick.ticket, outcome, now);
  if (outcome == CallOutcome::kNothing) {
    ++e.given_up;
    return;
  }
  if (outcome == CallOutcome::kBad) {
    ++e.bad;
    e.last_error = std::move(why);
    e.last_error_ns = now;
    if (++e.bad_in_row >= policy_.eject_after && policy_.eject_after > 0) eject_if_allowed(e, now);
    return;
  }
  ++e.good;
  e.bad_in_row = 0;
  const auto latency = static_cast<double>(latency_ns);
  e.smoothed_ns = e.smoothed_ns == 0 ? latency : e.smoothed_ns + kSmoothing * (latency - e.smoothed_ns);
  e.latencies.add(latency_ns);
  e.took->record(latency_ns);
  latencies_.add(latency_ns);
}

void EndpointPool::eject_if_allowed(State& e, uint64_t now) {
  if (now < e.ejected_until_ns) return;
  const auto ejected = static_cast<size_t>(std::count_if(endpoints_.begin(), endpoints_.end(), [&](const State& other) { return now < other.ejected_until_ns; }));
  if ((ejected + 1) * 100 > endpoints_.size() * policy_.eject_percent) return;
  e.bad_in_row = 0;
  e.ejected_until_ns = e.back_since_ns = now + policy_.eject_ns * ++e.ejections;
}

void EndpointPool::probed(size_t endpoint, bool well, std::string why, uint64_t now) {
  std::lock_guard lock(mutex_);
  State& e = endpoints_[endpoint];
  if (!well) {
    e.last_error = std::move(why);
    e.last_error_ns = now;
  }
  if (well && !e.well) e.back_since_ns = std::max(now, e.ejected_until_ns);
  e.well = well;
}

void EndpointPool::called(uint64_t now) {
  std::lock_guard lock(mutex_);
  budget_.called(now);
}

bool EndpointPool::may_retry(uint64_t now) {
  std::lock_guard lock(mutex_);
  return budget_.take(now);
}

uint64_t EndpointPool::latency_ns(uint32_t percentile) const {
  std::lock_guard lock(mutex_);
  return latencies_.count() < kFewestToHedgeBy ? 0 : latencies_.quantile(percentile / 100.0);
}

EndpointPool::Endpoint EndpointPool::standing(const State& e, uint64_t now) const {
  Endpoint out{.address = e.spec.address, .weight = e.spec.weight, .well = e.well, .ejected = now < e.ejected_until_ns, .slow_start = !is_out(e, now) && is_slow(e, now),
               .in_flight = e.in_flight, .good = e.good, .bad = e.bad, .given_up = e.given_up, .retries = e.retries, .hedges = e.hedges, .ejections = e.ejections,
               .p50_ns = e.latencies.quantile(0.5), .p95_ns = e.latencies.quantile(0.95), .last_error = e.last_error, .last_error_ns = e.last_error_ns};
  if (out.ejected) out.ejected_until_ns = e.ejected_until_ns;
  out.took.add(*e.took);
  if (!e.breaker) return out;
  out.breaker = e.breaker->state(now);
  out.opened = e.breaker->times_opened();
  if (out.breaker == CircuitBreaker::State::kOpen) out.breaker_until_ns = e.breaker->until_ns();
  return out;
}

std::vector<EndpointPool::Endpoint> EndpointPool::endpoints(uint64_t now) const {
  std::lock_guard lock(mutex_);
  std::vector<Endpoint> out;
  for (const State& e : endpoints_) out.push_back(standing(e, now));
  return out;
}

}  // namespace heddle
