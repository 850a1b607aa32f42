// What a gas may cost: two numbers for each transaction (EIP-1559), and how they rise when it is not taken up.
#pragma once
#include <heddle/sdk/value.h>

#include <cstdint>
#include <optional>

#include "amount.h"

namespace chain_evm {

// Wei for one gas: `tip` for who makes the block, `cap` for it and the base fee together.
struct Fee {
  Amount tip, cap;
  bool operator==(const Fee&) const = default;
};

// The most that a transaction can cost. Amount::most() where it is more than that.
Amount most_cost(const Fee& fee, uint64_t gas, const Amount& value);

// What others pay: the base fee of the next block, and the tip.
struct Market {
  Amount base, tip;
  bool operator==(const Market&) const = default;
};

struct FeeLimits {
  Amount least_tip = 100'000'000;          // 0.1 gwei
  Amount most_tip = 100'000'000'000;       // 100 gwei
  Amount most_cap = 1'000'000'000'000;     // 1,000 gwei
  uint32_t bump_permille = 125;            // what every known node takes for a replacement is 100 or 125
};

class Fees {
 public:
  Fees() = default;
  explicit Fees(FeeLimits limits) : limits_(std::move(limits)) {}

  // For a new transaction: the tip of the market, and room for the base fee to double. Nothing: not even the next block could be had below the ceiling.
  std::optional<Fee> fresh(const Market& market) const;
  // To take the place of one with `old`: both numbers by the percentage at least, or as fresh. Nothing: the ceiling is in the way.
  std::optional<Fee> bumped(const Fee& old, const Market& market) const;
  // For one that does nothing, in place of one with `old`, or of none. Its few gas may cost more than the ceiling where nothing below is enough, for the account stands still without it: twice as
  // much, or one bump where that is more. Nothing: that is in the way.
  std::optional<Fee> of_nothing(const std::optional<Fee>& old, const Market& market) const;
  const FeeLimits& limits() const { return limits_; }

 private:
  FeeLimits limits_;
};

// From the answer of eth_feeHistory, asked for one percentile: the base fee of the next block, and the middle one of the tips of the blocks that had transactions. Nothing: it is no such answer.
std::optional<Market> read_market(heddle::sdk::ValueRef history);

}  // namespace chain_evm
