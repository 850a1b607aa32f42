#include "numbers.h"

#include <gtest/gtest.h>

namespace chain_evm {
namespace {

using Nodes = std::vector<std::optional<Counted>>;
using Doubted = std::vector<size_t>;

TEST(Numbers, GoOnBehindAllThatAnyNodeHas) {
  EXPECT_EQ(first_free(Nodes{Counted{.latest = 7, .pending = 9}, std::nullopt, Counted{.latest = 5, .pending = 5}}).number, 9u);
  EXPECT_EQ(first_free(Nodes{Counted{.latest = 7, .pending = 3}}).number, 7u);
  EXPECT_EQ(first_free(Nodes{Counted{.latest = 900'000, .pending = 900'001}, Counted{.latest = 0, .pending = 0}}).number, 900'001u);  // one has only begun to read the chain
  EXPECT_EQ(first_free(Nodes{std::nullopt}).number, std::nullopt);
}

TEST(Numbers, ThatOneNodeAloneHasFarAheadOfTheOthersAreNotBelieved) {
  const FirstFree far = first_free(Nodes{Counted{.latest = 7, .pending = 7 + kMostAhead + 1}, Counted{.latest = 7, .pending = 8}});
  EXPECT_EQ(far.number, 8u);
  EXPECT_EQ(far.doubted, Doubted{0});
  EXPECT_EQ(first_free(Nodes{Counted{.latest = 7, .pending = 7 + kMostAhead}}).number, 7 + kMostAhead);
  const FirstFree used = first_free(Nodes{Counted{.latest = 7, .pending = 7}, Counted{.latest = 8, .pending = 8}, Counted{.latest = 1'000'000, .pending = 1'000'000}});
  EXPECT_EQ(used.number, 8u);
  EXPECT_EQ(used.doubted, Doubted{2});
}

TEST(Numbers, ThatNoAccountCanHaveAreNeverBelieved) {
  const FirstFree two = first_free(Nodes{Counted{.latest = UINT64_MAX, .pending = UINT64_MAX}, Counted{.latest = 7, .pending = 7}});
  EXPECT_EQ(two.number, 7u);
  EXPECT_EQ(two.doubted, Doubted{0});
  EXPECT_EQ(first_free(Nodes{Counted{.latest = UINT64_MAX, .pending = UINT64_MAX}}).number, std::nullopt);
  EXPECT_EQ(first_free(Nodes{Counted{.latest = 3, .pending = UINT64_MAX}}).number, 3u);
}

}  // namespace
}  // namespace chain_evm
