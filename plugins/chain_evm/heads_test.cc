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

TEST(Heads, WhatMayBeUndoneIsFetchedAtTheStartAndAfterALongSleep) {
  Heads heads(12);
  EXPECT_EQ(heads.wanted(5), 0u);
  EXPECT_EQ(heads.wanted(100), 88u);
  heads.add(blocks(88, 100));
  EXPECT_EQ(heads.wanted(101), 101u);
  EXPECT_EQ(heads.wanted(5000), 4988u);
  EXPECT_EQ(heads.wanted(50), 38u);
  EXPECT_EQ(Heads(1'000'000).wanted(5000), 5000 - Heads::kMost / 2);
}

// What a receipt or a log said of a block before the first that is known is wrong as well.
TEST(Heads, WhatPartsBeforeAllThatIsKnownUndoesEverything) {
  Heads heads(3);
  heads.add(blocks(97, 100));
  EXPECT_EQ(heads.add(blocks(101, 101, 'b', 90)).wanted, 100u);
  EXPECT_EQ(heads.add(blocks(100, 101, 'b', 90)).wanted, 98u);
  EXPECT_EQ(heads.add(blocks(98, 101, 'b', 90)).wanted, 97u);
  const auto change = heads.add(blocks(97, 101, 'b', 90));
  EXPECT_TRUE(change.is_linked);
  EXPECT_EQ(change.removed_from, 0u);
  EXPECT_EQ(heads.oldest(), 97u);
  EXPECT_EQ(heads.at(97)->hash, "b97");
}

TEST(Heads, OfAChainThatIsMuchShorterNothingIsKept) {
  Heads heads(3);
  heads.add(blocks(97, 100));
  const auto change = heads.add(blocks(47, 50));
  EXPECT_TRUE(change.is_linked);
  EXPECT_EQ(change.removed_from, 0u);
  EXPECT_EQ(heads.oldest(), 47u);
  EXPECT_EQ(heads.newest()->number, 50u);
}

TEST(Heads, AJumpThatStillFollowsUndoesNothing) {
  Heads heads(Heads::kMost / 2);
  heads.add(blocks(90, 100));
  const uint64_t far = 101 + Heads::kMost / 2;
  EXPECT_EQ(heads.wanted(far), 101u);
  EXPECT_EQ(heads.add(blocks(101, far)).removed_from, std::nullopt);
  EXPECT_EQ(heads.oldest(), 90u);
}

}  // namespace
}  // namespace chain_evm
