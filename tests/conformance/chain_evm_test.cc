// chain_evm against a real node, as the host has it.
#include "chains.h"

namespace heddle {
namespace {

class ChainEvm : public ChainsTest {};

TEST_F(ChainEvm, ATransactionIsStoredIncludedAndFinal) {
  Anvil anvil({"--block-time", "0.1"});
  must_open(params(quoted(anvil.url()), R"(,"confirmations":3)"));
  const Value stored = must(send("a", R"(,"until":"stored")"));
  EXPECT_EQ(stored.find("key").as_text(), "a");
  EXPECT_EQ(stored.find("number").as_int(), 0);
  const Value included = must(send("a", R"(,"until":"included")"));
  EXPECT_EQ(included.find("transaction").as_text(), stored.find("transaction").as_text());
  EXPECT_TRUE(included.find("block").as_int());
  const Value final = must(send("a", "", 999));  // the key is taken: what the intent says now does not count
  EXPECT_EQ(final.find("stage").as_text(), "final");
  EXPECT_EQ(final.find("transaction").as_text(), stored.find("transaction").as_text());
  EXPECT_EQ(anvil.number("eth_getTransactionCount", R"([")" + std::string(kAccount) + R"(","latest"])"), 1u);
}

TEST_F(ChainEvm, ManyTransactionsOfOneAccountAreMinedInOrderAndOnce) {
  Anvil anvil({"--block-time", "0.1"});
  must_open(params(quoted(anvil.url()), R"(,"confirmations":2)"));
  std::vector<Answer> open;
  for (int i = 0; i < 1000; ++i) open.push_back(send("k" + std::to_string(i)));
  for (Answer& one : open) must(std::move(one));
  EXPECT_EQ(anvil.number("eth_getTransactionCount", R"([")" + std::string(kAccount) + R"(","latest"])"), 1000u);
}

}  // namespace
}  // namespace heddle
