#include "errors.h"

#include <gtest/gtest.h>
#include <heddle/sdk/fake_host.h>

namespace chain_evm {
namespace {

using heddle::sdk::FakeHost;
using heddle::sdk::Value;

struct Said {
  const char* message;
  Trouble trouble;
};

// As nodes write them: their sources and issues, and (anvil, hardhat) what they answered.
constexpr Said kSaid[] = {
    {"already known", Trouble::kKnown},                                                                       // geth, erigon
    {"transaction already imported", Trouble::kKnown},                                                        // anvil
    {"Known transaction: 0x52f0...", Trouble::kKnown},                                                        // hardhat
    {"AlreadyKnown", Trouble::kKnown},                                                                        // nethermind
    {"nonce too low: next nonce 5, tx nonce 4", Trouble::kNumberUsed},                                        // geth
    {"Nonce too low. Expected nonce to be 1 but got 0.", Trouble::kNumberUsed},                               // hardhat
    {"OldNonce", Trouble::kNumberUsed},                                                                       // nethermind
    {"Nonce too low", Trouble::kNumberUsed},                                                                  // besu
    {"Nonce too high. Expected nonce to be 0 but got 5. Note that transactions can't be queued when automining.", Trouble::kNumberAhead},
    {"NonceGap, Future nonce. Expected nonce: 3", Trouble::kNumberAhead},
    {"Transaction nonce is too distant from current sender nonce, nonce too far in the future", Trouble::kNumberAhead},
    {"replacement transaction underpriced", Trouble::kUnderpriced},
    {"Replacement transaction underpriced. A gasPrice/maxFeePerGas of at least 962500000 is necessary to replace the existing transaction with nonce 0.", Trouble::kUnderpriced},
    {"could not replace existing tx", Trouble::kUnderpriced},
    {"ReplacementNotAllowed", Trouble::kUnderpriced},
    {"transaction underpriced: gas tip cap 0, minimum needed 1", Trouble::kFeeTooLow},
    {"max fee per gas less than block base fee: address 0xf39F, maxFeePerGas: 1, baseFee: 875000000", Trouble::kFeeTooLow},
    {"Transaction maxFeePerGas (1) is too low for the next block, which has a baseFeePerGas of 875000000", Trouble::kFeeTooLow},
    {"Gas price below configured minimum gas price", Trouble::kFeeTooLow},
    {"FeeTooLow, MaxFeePerGas too low", Trouble::kFeeTooLow},
    {"FeeTooLowToCompete", Trouble::kFeeTooLow},
    {"insufficient funds for gas * price + value: balance 0, tx cost 21000, overshot 21000", Trouble::kNoBalance},
    {"Insufficient funds for gas * price + value", Trouble::kNoBalance},
    {"Sender doesn't have enough funds to send tx. The max upfront cost is: 2 and the sender's balance is: 1.", Trouble::kNoBalance},
    {"Upfront cost exceeds account balance", Trouble::kNoBalance},
    {"InsufficientFunds, Account balance: 0, cumulative cost: 21000", Trouble::kNoBalance},
    {"intrinsic gas too low: gas 20000, minimum needed 21000", Trouble::kNever},
    {"exceeds block gas limit", Trouble::kNever},
    {"Transaction gas limit is 99999999 and exceeds block gas limit of 30000000", Trouble::kNever},
    {"Transaction requires at least 21000 gas but got 20000", Trouble::kNever},
    {"Trying to send an incompatible EIP-155 transaction, signed for another chain.", Trouble::kNever},
    {"invalid chain id for signer: have 1 want 31337", Trouble::kNever},
    {"invalid sender", Trouble::kNever},
    {"query returned more than 10000 results", Trouble::kTooMany},
    {"block range is too wide", Trouble::kTooMany},
    {"exceed maximum block range: 5000", Trouble::kTooMany},
    {"Log response size exceeded. You can make eth_getLogs requests with up to a 2K block range", Trouble::kTooMany},
    {"eth_getLogs is limited to a 10,000 range", Trouble::kTooMany},
    {"Too many requests, reason: call rate limit exhausted", Trouble::kRateLimited},
    {"daily request count exceeded, request rate limited", Trouble::kRateLimited},
    {"header not found", Trouble::kMissing},
    {"missing trie node 9d1f (path ) state is not available", Trouble::kMissing},
    {"execution reverted", Trouble::kReverted},
    {"VM Exception while processing transaction: reverted with custom error 'NotYours()'", Trouble::kReverted},
    // A contract may say anything: that it reverted is what the node says.
    {"VM Exception while processing transaction: reverted with reason string 'insufficient funds'", Trouble::kReverted},  // hardhat
    {"VM Exception while processing transaction: reverted with reason string 'nonce too low'", Trouble::kReverted},
    {"VM Exception while processing transaction: revert already known", Trouble::kReverted},  // ganache
    {"Execution reverted: intrinsic gas", Trouble::kReverted},                                // besu
    {"execution reverted: insufficient funds", Trouble::kReverted},                           // geth
    {"execution reverted: too many requests", Trouble::kReverted},
    {"the weather is bad", Trouble::kUnknown},
};

TEST(NodeErrors, EachFamilySaysItInItsOwnWords) {
  for (const Said& said : kSaid) EXPECT_EQ(classify(-32000, said.message), said.trouble) << said.message;
  EXPECT_EQ(classify(3, "whatever"), Trouble::kReverted);
  EXPECT_EQ(classify(-32005, "whatever"), Trouble::kRateLimited);
  EXPECT_EQ(classify(-32005, "query returned more than 10000 results"), Trouble::kTooMany);
}

TEST(NodeErrors, TheDataOfARevertAreFoundWhereverTheyAre) {
  FakeHost host;
  const auto data = [](const char* json) { return read_error(Value::parse(json)).data; };
  EXPECT_EQ(data(R"({"code":3,"message":"execution reverted","data":"0x0102"})"), "\x01\x02");
  EXPECT_EQ(data(R"({"code":-32603,"message":"Error: VM Exception","data":{"message":"x","txHash":"0x33","data":"0x0102"}})"), "\x01\x02");
  EXPECT_EQ(data(R"({"code":-32015,"message":"VM execution error.","data":"Reverted 0x0102"})"), "\x01\x02");
  EXPECT_EQ(data(R"({"code":-32000,"message":"execution reverted"})"), std::nullopt);
  EXPECT_EQ(data(R"({"code":-32000,"message":"x","data":"no hex"})"), std::nullopt);
  EXPECT_EQ(read_error(Value::parse(R"({"code":-32000,"message":"odd words","data":"0x0102"})")).trouble, Trouble::kReverted);
}

TEST(NodeErrors, WhatANodeSaysIsFitForALog) {
  FakeHost host;
  EXPECT_EQ(quotable("a\nb\x1b[31m"), "a?b?[31m");
  EXPECT_EQ(quotable(std::string(1000, 'x')).size(), 300u);
  EXPECT_EQ(read_error(Value::parse(R"({"code":"none"})")).message, "an error without a message");
}

}  // namespace
}  // namespace chain_evm
