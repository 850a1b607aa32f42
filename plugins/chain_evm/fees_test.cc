#include "fees.h"

#include <gtest/gtest.h>
#include <heddle/sdk/fake_host.h>

namespace chain_evm {
namespace {

using heddle::sdk::FakeHost;
using heddle::sdk::Value;

FeeLimits limits() { return {.least_tip = 10, .most_tip = 100, .most_cap = 10'000, .bump_permille = 125}; }

TEST(Fees, ANewOneHasRoomForTheBaseFeeToDouble) {
  const Fees fees(limits());
  EXPECT_EQ(fees.fresh({.base = 1000, .tip = 50}), (Fee{.tip = 50, .cap = 2050}));
  EXPECT_EQ(fees.fresh({.base = 1000, .tip = 1}), (Fee{.tip = 10, .cap = 2010}));
  EXPECT_EQ(fees.fresh({.base = 1000, .tip = 5000}), (Fee{.tip = 100, .cap = 2100}));
}

TEST(Fees, TheCeilingIsForTheNextBlockAndNotForTheRoom) {
  const Fees fees(limits());
  EXPECT_EQ(fees.fresh({.base = 9000, .tip = 50}), (Fee{.tip = 50, .cap = 10'000}));
  EXPECT_EQ(fees.fresh({.base = 9951, .tip = 50}), std::nullopt);
}

TEST(Fees, ABumpRaisesBothByThePercentageOrToTheMarket) {
  const Fees fees(limits());
  EXPECT_EQ(fees.bumped({.tip = 50, .cap = 2001}, {.base = 100, .tip = 50}), (Fee{.tip = 57, .cap = 2252}));  // rounded up
  EXPECT_EQ(fees.bumped({.tip = 50, .cap = 2000}, {.base = 2000, .tip = 80}), (Fee{.tip = 80, .cap = 4080}));
  EXPECT_EQ(fees.bumped({.tip = 50, .cap = 9000}, {.base = 100, .tip = 50}), std::nullopt);
}

TEST(Fees, ABumpRaisesATipOfNothing) {
  const Fees fees({.least_tip = 0, .most_tip = 100, .most_cap = 10'000, .bump_permille = 125});
  EXPECT_EQ(fees.bumped({.tip = 0, .cap = 2000}, {.base = 100, .tip = 0}), (Fee{.tip = 1, .cap = 2250}));
}

TEST(Fees, OneThatDoesNothingMayGoBeyondTheCeilingWhereNothingBelowIsEnough) {
  const Fees fees(limits());
  EXPECT_EQ(fees.of_nothing(std::nullopt, {.base = 1000, .tip = 50}), (Fee{.tip = 50, .cap = 2050}));
  EXPECT_EQ(fees.of_nothing(std::nullopt, {.base = 9000, .tip = 50}), (Fee{.tip = 50, .cap = 10'000}));
  EXPECT_EQ(fees.of_nothing(std::nullopt, {.base = 9960, .tip = 50}), (Fee{.tip = 50, .cap = 19'970}));
  EXPECT_EQ(fees.of_nothing(std::nullopt, {.base = 20'000, .tip = 50}), std::nullopt);
  EXPECT_EQ(fees.of_nothing(Fee{.tip = 50, .cap = 10'000}, {.base = 100, .tip = 50}), (Fee{.tip = 57, .cap = 11'250}));
  EXPECT_EQ(fees.of_nothing(Fee{.tip = 50, .cap = 18'000}, {.base = 100, .tip = 50}), std::nullopt);
  const Fees steep({.least_tip = 10, .most_tip = 100, .most_cap = 10'000, .bump_permille = 1500});
  EXPECT_EQ(steep.of_nothing(Fee{.tip = 50, .cap = 10'000}, {.base = 100, .tip = 50}), (Fee{.tip = 125, .cap = 25'000}));
}

TEST(Fees, WhatCostsMoreThanThereCanBeDoesNotCostNearlyNothing) {
  EXPECT_EQ(most_cost({.tip = 1, .cap = 10}, 100, 7), Amount(1007));
  EXPECT_EQ(most_cost({.tip = 1, .cap = 10}, 100, Amount::most()), Amount::most());
}

TEST(Fees, TheMarketIsWhatBlocksWithTransactionsPaid) {
  FakeHost host;
  const auto market = read_market(Value::parse(R"({"baseFeePerGas":["0x1","0x2","0x3","0x9"],"gasUsedRatio":[0.5,0,0.1],"reward":[["0x5"],["0x64"],["0x7"]]})"));
  ASSERT_TRUE(market);
  EXPECT_EQ(*market, (Market{.base = 9, .tip = 7}));
  EXPECT_EQ(read_market(Value::parse(R"({"baseFeePerGas":["0x9"],"reward":null})")), (Market{.base = 9, .tip = 0}));
  EXPECT_EQ(read_market(Value::parse(R"({"baseFeePerGas":[]})")), std::nullopt);
  EXPECT_EQ(read_market(Value::parse(R"({"baseFeePerGas":["x"]})")), std::nullopt);
}

}  // namespace
}  // namespace chain_evm
