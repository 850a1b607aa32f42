#include "receipts.h"

#include <gtest/gtest.h>
#include <heddle/sdk/fake_host.h>

#include "hex.h"

namespace chain_evm {
namespace {

using heddle::sdk::FakeHost;
using heddle::sdk::Value;

const std::string kAsked(32, '\xaa'), kBlock(32, '\xbb');

std::string receipt(const std::string& hash, const std::string& more) {
  return R"({"transactionHash":")" + to_hex(hash) + R"(","blockHash":")" + to_hex(kBlock) + R"(","blockNumber":"0xc")" + more + "}";
}

TEST(Receipts, OfTheTransactionThatWasAskedForAreRead) {
  FakeHost host;
  const auto read = read_receipt(Value::parse(receipt(kAsked, R"(,"status":"0x1","gasUsed":"0x5","effectiveGasPrice":"0x3")")), kAsked);
  ASSERT_EQ(read.told, Told::kThere);
  EXPECT_EQ(read.receipt.hash, kAsked);
  EXPECT_EQ(read.receipt.block_hash, kBlock);
  EXPECT_EQ(read.receipt.block, 12u);
  EXPECT_TRUE(read.receipt.succeeded);
  EXPECT_EQ(read.receipt.paid, Amount(15));
}

TEST(Receipts, NeedNotSayWhatWasPaidButWhetherItSucceeded) {
  FakeHost host;
  const auto read = read_receipt(Value::parse(receipt(kAsked, R"(,"status":"0x0","effectiveGasPrice":null)")), kAsked);
  ASSERT_EQ(read.told, Told::kThere);
  EXPECT_FALSE(read.receipt.succeeded);
  EXPECT_EQ(read.receipt.paid, Amount(0));
  EXPECT_EQ(read_receipt(Value::parse(receipt(kAsked, "")), kAsked).told, Told::kUnclear);
}

TEST(Receipts, OfAnotherTransactionOrUnreadableOnesSayNeitherThatItIsThereNorThatItIsNot) {
  FakeHost host;
  EXPECT_EQ(read_receipt(Value::parse(receipt(std::string(32, '\xcc'), R"(,"status":"0x1")")), kAsked).told, Told::kUnclear);
  EXPECT_EQ(read_receipt(Value::parse(receipt(kAsked, R"(,"status":"yes")")), kAsked).told, Told::kUnclear);
  EXPECT_EQ(read_receipt(Value::parse(R"({"status":"0x1"})"), kAsked).told, Told::kUnclear);
  EXPECT_EQ(read_receipt(Value::parse(R"("0x1")"), kAsked).told, Told::kUnclear);
  EXPECT_EQ(read_receipt({}, kAsked).told, Told::kUnclear);
}

TEST(Receipts, OfWhatIsInNoBlockAreNone) {
  FakeHost host;
  EXPECT_EQ(read_receipt(Value::null(), kAsked).told, Told::kNotThere);
  EXPECT_EQ(read_receipt(Value::parse(R"({"transactionHash":")" + to_hex(kAsked) + R"(","blockHash":null,"blockNumber":null})"), kAsked).told, Told::kNotThere);
}

TEST(Receipts, OfABlockThatWasUndoneDoNotStand) {
  Heads heads;
  const Receipt there{.hash = kAsked, .block_hash = "b", .block = 12};
  EXPECT_TRUE(can_stand(there, heads));
  heads.add({{.number = 11, .hash = "a", .parent = "-"}, {.number = 12, .hash = "b", .parent = "a"}});
  EXPECT_TRUE(can_stand(there, heads));
  heads.add({{.number = 12, .hash = "B", .parent = "a"}});
  EXPECT_FALSE(can_stand(there, heads));
  EXPECT_FALSE(can_stand({.hash = kAsked, .block_hash = "d", .block = 13}, heads));
  EXPECT_TRUE(can_stand({.hash = kAsked, .block_hash = "z", .block = 3}, heads));  // older than what is known
}

TEST(Receipts, AnotherNodeBearsWitnessWithTheSameBlockAndNothingOfOurs) {
  FakeHost host;
  const auto block_of = [](const std::string& hash) { return Value::parse(R"({"hash":")" + to_hex(hash) + R"(","parentHash":")" + to_hex(kAsked) + R"(","number":"0xc","timestamp":"0x1"})"); };
  const Value same = block_of(kBlock), other = block_of(std::string(32, '\xdd')), none = Value::null(), ours = Value::parse(receipt(kAsked, R"(,"status":"0x1")")), silent;
  EXPECT_TRUE(has_block_without(same, kBlock, {none, none}));
  EXPECT_FALSE(has_block_without(other, kBlock, {none, none}));
  EXPECT_FALSE(has_block_without(same, kBlock, {none, ours}));
  EXPECT_FALSE(has_block_without(same, kBlock, {silent, none}));
  EXPECT_FALSE(has_block_without(silent, kBlock, {none}));
  EXPECT_FALSE(has_block_without(none, kBlock, {none}));
}

}  // namespace
}  // namespace chain_evm
