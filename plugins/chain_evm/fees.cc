#include "fees.h"

#include <algorithm>
#include <vector>

namespace chain_evm {
namespace {

// Rounded up, so that it is never one wei too little for a node; more in any case, for nodes want more of both numbers, even where one was 0.
Amount raised(const Amount& old, uint32_t permille) { return old + std::max(Amount(1), (old * permille + 999) / 1000); }

}  // namespace

Amount most_cost(const Fee& fee, uint64_t gas, const Amount& value) {
  const Amount most = fee.cap * gas + value;
  return most < value ? Amount::most() : most;
}

std::optional<Fee> Fees::fresh(const Market& market) const {
  Fee fee{.tip = std::clamp(market.tip, limits_.least_tip, limits_.most_tip), .cap = {}};
  fee.cap = market.base * 2 + fee.tip;
  if (fee.cap <= limits_.most_cap) return fee;
  if (market.base + fee.tip > limits_.most_cap) return std::nullopt;
  fee.cap = limits_.most_cap;
  return fee;
}

std::optional<Fee> Fees::bumped(const Fee& old, const Market& market) const {
  Fee fee{.tip = raised(old.tip, limits_.bump_permille), .cap = raised(old.cap, limits_.bump_permille)};
  if (fee.cap > limits_.most_cap) return std::nullopt;
  if (const auto now = fresh(market)) fee = {.tip = std::max(fee.tip, now->tip), .cap = std::max(fee.cap, now->cap)};
  fee.tip = std::min(fee.tip, fee.cap);  // a tip above the cap is no transaction
  return fee;
}

std::optional<Fee> Fees::of_nothing(const std::optional<Fee>& old, const Market& market) const {
  const auto within = [&](const Fees& fees) { return old ? fees.bumped(*old, market) : fees.fresh(market); };
  if (const auto fee = within(*this)) return fee;
  FeeLimits beyond = limits_;
  beyond.most_cap = std::max(limits_.most_cap * 2, raised(limits_.most_cap, limits_.bump_permille));
  return within(Fees(beyond));
}

std::optional<Market> read_market(heddle::sdk::ValueRef history) {
  const auto bases = history.find("baseFeePerGas"), rewards = history.find("reward"), used = history.find("gasUsedRatio");
  if (!bases.is(HEDDLE_LIST) || bases.size() == 0) return std::nullopt;
  const auto quantity = [](heddle::sdk::ValueRef value) { return parse_quantity(value.as_text().value_or("")); };
  try {
    Market market{.base = quantity(bases.at(bases.size() - 1)), .tip = 0};
    std::vector<Amount> tips;
    for (size_t i = 0; i < rewards.size(); ++i)
      if (used.at(i).as_float().value_or(0) > 0 && rewards.at(i).size() > 0) tips.push_back(quantity(rewards.at(i).at(0)));
    std::sort(tips.begin(), tips.end());
    if (!tips.empty()) market.tip = tips[tips.size() / 2];
    return market;
  } catch (const heddle::sdk::Error&) {
    return std::nullopt;  // no quantities
  }
}

}  // namespace chain_evm
