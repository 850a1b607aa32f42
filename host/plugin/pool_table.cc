#include "plugin/pool_table.h"

#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "clock.h"
#include "plugin/host_table.h"
#include "plugin/option_fields.h"
#include "value/json_value.h"

namespace heddle {

Result<heddle_id> PoolTable::open(const Value& options) {
  std::string wrong;
  std::vector<EndpointSpec> endpoints;
  PoolPolicy policy;
  {
    OptionFields f(options, "", wrong);
    endpoints = read_endpoints(f.any("endpoints"), wrong);
    if (const auto balance = read_balance(f.text("load_balance"), f)) policy.balance = *balance;
    if (const Value breaker = f.any("circuit_breaker")) policy.breaker = read_breaker(breaker, wrong);
  }
  if (!wrong.empty()) return Error("invalid", wrong, ErrorClass::kConfig);
  std::lock_guard lock(mutex_);
  pools_[++last_].endpoints = std::make_shared<EndpointPool>(std::move(endpoints), policy);
  return last_;
}

std::shared_ptr<EndpointPool> PoolTable::find(heddle_id pool) {
  std::lock_guard lock(mutex_);
  const auto found = pools_.find(pool);
  return found == pools_.end() ? nullptr : found->second.endpoints;
}

// The host's side of heddle.endpoints/1.
struct PoolFunctions {
  static PoolTable& of(const heddle_host* h) { return *static_cast<PoolTable*>(HostTable::context(h, &PoolTable::service())); }

  static heddle_id open(const heddle_host* h, const heddle_value* options, heddle_value** why) noexcept {
    const auto opened = of(h).open(Value::share(options));
    if (opened) return *opened;
    *why = json_text(opened.error().text()).release();
    return 0;
  }

  static bool pick(const heddle_host* h, heddle_id id, uint32_t avoid, uint32_t* endpoint, heddle_id* call, uint64_t* again_ns) noexcept {
    PoolTable& table = of(h);
    const auto pool = table.find(id);
    const uint64_t now = now_ns();
    *again_ns = UINT64_MAX;
    if (!pool) return false;
    std::vector<size_t> tried;
    if (avoid < pool->size()) tried.push_back(avoid);
    const auto picked = pool->pick(0, tried, now);
    if (!picked) {
      std::vector<size_t> all(pool->size());
      std::iota(all.begin(), all.end(), size_t{0});
      *again_ns = pool->closed_until(all, now);
      return false;
    }
    *endpoint = static_cast<uint32_t>(picked->endpoint);
    std::lock_guard lock(table.mutex_);
    *call = ++table.last_;
    table.pools_[id].open.emplace(*call, PoolTable::Open{.pick = *picked, .begun_ns = now});
    return true;
  }

  static void over(const heddle_host* h, heddle_id id, heddle_id call, heddle_outcome outcome) noexcept {
    PoolTable& table = of(h);
    std::shared_ptr<EndpointPool> pool;
    PoolTable::Open open;
    {
      std::lock_guard lock(table.mutex_);
      const auto found = table.pools_.find(id);
      if (found == table.pools_.end()) return;
      auto begun = found->second.open.extract(call);
      if (!begun) return;
      pool = found->second.endpoints;
      open = begun.mapped();
    }
    const uint64_t now = now_ns();
    const CallOutcome meant = outcome == HEDDLE_OUTCOME_OK ? CallOutcome::kGood : outcome == HEDDLE_OUTCOME_FAILED ? CallOutcome::kBad : CallOutcome::kNothing;
    pool->ended(open.pick, meant, now - open.begun_ns, {}, now);
  }

  static void set_well(const heddle_host* h, heddle_id id, uint32_t endpoint, bool well) noexcept {
    const auto pool = of(h).find(id);
    if (pool && endpoint < pool->size()) pool->probed(endpoint, well, well ? "" : "its owner says so", now_ns());
  }
};

const heddle_endpoints_service& PoolTable::service() {
  static constexpr heddle_endpoints_service kService = {sizeof(heddle_endpoints_service), PoolFunctions::open, PoolFunctions::pick, PoolFunctions::over, PoolFunctions::set_well};
  return kService;
}

}  // namespace heddle
