#include "heads.h"

#include <gtest/gtest.h>

namespace chain_evm {
namespace {

// Block `number` of a branch; below the number where the branch begins it is of the branch 'a'.
Block block(uint64_t number, char branch = 'a', uint64_t begins = 0) {
  const auto hash = [&](uint64_t n) { return std::string(1, n < begins ? 'a' : branch) + std::to_string(n); };
  return {.number = number, .hash = hash(number), .parent = number == 0 ? "" : hash(number - 1), .unix = static_cast<int64_t>(number)};
}

std::vector<Block> blocks(uint64_t from, uint64_t to, char branch = 'a', uint64_t begins = 0) {
  std::vector<Block> all;
  for (uint64_t n = from; n <= to; ++n) all.push_back(block(n, branch, begins));
  return all;
}

TEST(Heads, WhatFollowsIsAddedAndNothingIsRemoved) {
  Heads heads;
  EXPECT_TRUE(heads.add({block(10)}).is_linked);
  EXPECT_EQ(heads.wanted(13), 11u);
  const auto change = heads.add(blocks(11, 13));
  EXPECT_TRUE(change.is_linked);
  EXPECT_EQ(change.removed_from, std::nullopt);
  EXPECT_EQ(heads.newest()->number, 13u);
  EXPECT_EQ(heads.at(12)->hash, "a12");
  EXPECT_EQ(heads.at(9), nullptr);
}

TEST(Heads, ABranchIsFollowedBackToWhereItParts) {
  Heads heads;
  heads.add({block(0)});
  heads.add(blocks(1, 20));
  std::vector<Block> read = {block(21, 'b', 14)};
  Heads::Change change = heads.add(read);
  int questions = 0;
  while (!change.is_linked && ++questions < 10) {
    ASSERT_LT(change.wanted, read.front().number);
    read = blocks(change.wanted, 21, 'b', 14);
    change = heads.add(read);
  }
  EXPECT_TRUE(change.is_linked);
  EXPECT_EQ(change.removed_from, 14u);
  EXPECT_EQ(heads.at(13)->hash, "a13");
  EXPECT_EQ(heads.at(14)->hash, "b14");
  EXPECT_EQ(heads.newest()->hash, "b21");
}

TEST(Heads, ANodeThatIsBehindUndoesNothing) {
  Heads heads;
  heads.add({block(0)});
  heads.add(blocks(1, 20));
  const auto change = heads.add({block(17)});
  EXPECT_TRUE(change.is_linked);
  EXPECT_EQ(change.removed_from, std::nullopt);
  EXPECT_EQ(heads.newest()->number, 20u);
}

TEST(Heads, AShorterBranchCountsWhereItsBlocksAreOthers) {
  Heads heads;
  heads.add({block(0)});
  heads.add(blocks(1, 20));
  EXPECT_FALSE(heads.add({block(18, 'b', 18 - 1)}).is_linked);
  const auto change = heads.add(blocks(16, 18, 'b', 17));
  EXPECT_TRUE(change.is_linked);
  EXPECT_EQ(change.removed_from, 17u);
  EXPECT_EQ(heads.newest()->number, 18u);
}

TEST(Heads, BlocksThatDoNotLinkAreReadAgain) {
  Heads heads;
  heads.add({block(0)});
  EXPECT_FALSE(heads.add({block(1), block(2, 'b')}).is_linked);
  EXPECT_EQ(heads.newest()->number, 0u);
}

TEST(Heads, AfterALongSleepItBeginsAnew) {
  Heads heads;
  heads.add({block(0)});
  heads.add(blocks(1, 20));
  EXPECT_EQ(heads.wanted(5000), 5000u);
  const auto change = heads.add({block(5000)});
  EXPECT_TRUE(change.is_linked);
  EXPECT_EQ(change.removed_from, 0u);
  EXPECT_EQ(heads.oldest(), 5000u);
}

}  // namespace
}  // namespace chain_evm
