// EIP-1559 has no vectors: these were made by ethers 6.13.5, with the first account that anvil and hardhat give to everybody.
#include "transaction.h"

#include <gtest/gtest.h>

#include "curve.h"
#include "hex.h"
#include "keccak.h"
#include "rlp.h"
#include "test_values.h"

namespace chain_evm {
namespace {

constexpr char kKey[] = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
constexpr char kAddress[] = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266", kOther[] = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";

class TransactionTest : public testing::Test, protected TestValues {
 protected:
  static SecretBytes secret(const std::string& hex) {
    const std::string bytes = *parse_hex(hex);
    SecretBytes key(bytes.size());
    std::copy(bytes.begin(), bytes.end(), key.data());
    return key;
  }
  const CurveKey key_{secret(kKey)};
};

Transaction transfer() {
  return {.chain_id = 31337,
          .nonce = 0,
          .max_priority_fee = 1'000'000'000,
          .max_fee = 3'000'000'000,
          .gas = 21000,
          .to = parse_address(kOther),
          .value = parse_decimal("1000000000000000000")};
}

TEST_F(TransactionTest, AKeyHasItsAddress) { EXPECT_EQ(to_checksummed(key_.address()), kAddress); }

TEST_F(TransactionTest, ATransferIsSignedAsEthersDoes) {
  const Transaction t = transfer();
  EXPECT_EQ(to_hex(t.signing_hash()), "0x1e6df772a5754d642af0a6eb2490b37e7ee4aff5994733d78233bcbbd9d4fdfa");
  const std::string raw = t.raw(key_.sign(t.signing_hash()));
  EXPECT_EQ(to_hex(raw),
            "0x02f874827a6980843b9aca0084b2d05e008252089470997970c51812dc3a010c7d01b50e0d17dc79c8880de0b6b3a764000080c001a0327b671398e480b9"
            "ae2a3b89650723c01d64f3dff2d3acfc13a13a6c0ee30da2a01381fa02803f87cc7ec266fff399d884f155d2cf803912fecccf8a867"
            "c3b7b35");
  EXPECT_EQ(to_hex(transaction_hash(raw)), "0x21f97614e3117d6e9083ba46b8b2be20c428008e5f6801adcc19fc00741833a6");
}

TEST_F(TransactionTest, ACallIsSignedAsEthersDoes) {
  const Transaction t{.chain_id = 1,
                      .nonce = 300,
                      .max_priority_fee = 0,
                      .max_fee = parse_decimal("18446744073709551621"),
                      .gas = 123456,
                      .to = parse_address(kOther),
                      .value = 0,
                      .data = *parse_hex("0xd2d2d8a0") + std::string(32, '\x11')};
  const std::string raw = t.raw(key_.sign(t.signing_hash()));
  EXPECT_EQ(to_hex(raw),
            "0x02f8920182012c80890100000000000000058301e2409470997970c51812dc3a010c7d01b50e0d17dc79c880a4d2d2d8a011111111111111111111111111"
            "11111111111111111111111111111111111111c080a0717d3df43bf408527f469706668268471f49e8b711bd34d25e521c59483c24d9"
            "a015e2a67d221ceeedd44e0396fc58f4995e229fc0dace8af4c9a905d8444ed597");
}

TEST_F(TransactionTest, AContractIsMadeAsEthersDoes) {
  const Transaction t{.chain_id = 11155111,
                      .nonce = 127,
                      .max_priority_fee = 2,
                      .max_fee = 128,
                      .gas = 1'000'000,
                      .to = "",
                      .value = 127,
                      .data = std::string(300, '\x60')};
  const std::string raw = t.raw(key_.sign(t.signing_hash()));
  EXPECT_EQ(to_hex(transaction_hash(raw)), "0x3922cdc2a27d1c2b79631f12ede425d21ad0c6502062a938d0a2a0cc554892c8");
}

TEST_F(TransactionTest, ItIsReadBackAndSaysWhoSignedIt) {
  const Transaction t = transfer();
  const Signature signature = key_.sign(t.signing_hash());
  const SignedTransaction read = parse_transaction(t.raw(signature));
  EXPECT_EQ(read.transaction, t);
  EXPECT_EQ(read.signature, signature);
  EXPECT_EQ(recover_address(read.transaction.signing_hash(), read.signature), key_.address());
  Transaction other = t;
  other.nonce = 1;
  EXPECT_NE(recover_address(other.signing_hash(), read.signature), key_.address());
}

TEST_F(TransactionTest, WhatIsNoTransactionOfOursIsRefused) {
  const Transaction t = transfer();
  const std::string raw = t.raw(key_.sign(t.signing_hash()));
  const auto refused = [](const std::string& bytes) { return !why_not([&] { parse_transaction(bytes); }).empty(); };
  EXPECT_FALSE(refused(raw));
  EXPECT_TRUE(refused(""));
  EXPECT_TRUE(refused(raw + "x"));
  EXPECT_TRUE(refused("\x01" + raw.substr(1)));
  EXPECT_TRUE(refused(t.unsigned_payload()));
  for (size_t size = 0; size < raw.size(); ++size) EXPECT_TRUE(refused(raw.substr(0, size))) << size;
  Transaction odd = t;
  odd.to = "short";
  EXPECT_TRUE(refused(odd.raw(key_.sign(odd.signing_hash()))));
  Signature third = key_.sign(t.signing_hash());
  third.y_parity = 2;
  EXPECT_TRUE(refused(t.raw(third)));
}

TEST_F(TransactionTest, OnlyTheLowerSignatureCounts) {
  const std::string hash = keccak256("abc");
  const Signature signature = key_.sign(hash);
  const Amount order = parse_quantity("0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141");  // of the curve
  EXPECT_LE(signature.s, order / 2);
  EXPECT_EQ(recover_address(hash, signature), key_.address());
  EXPECT_FALSE(recover_address(hash, {signature.r, order - signature.s, static_cast<uint8_t>(1 - signature.y_parity)}));
  EXPECT_FALSE(recover_address(hash, {order, signature.s, 0}));
  EXPECT_FALSE(recover_address(hash, {0, signature.s, 0}));
  EXPECT_FALSE(recover_address(hash, {signature.r, 0, 0}));
  EXPECT_FALSE(recover_address(hash, {signature.r, signature.s, 2}));
  EXPECT_FALSE(recover_address("short", signature));
}

TEST_F(TransactionTest, WhatIsNoKeyOfTheCurveIsRefused) {
  for (const std::string& hex :
       {"0x" + std::string(64, '0'), "0x" + std::string(64, 'f'),
        std::string("0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"), "0x" + std::string(62, '1')})
    EXPECT_THROW(CurveKey(secret(hex)), std::invalid_argument) << hex;
}

}  // namespace
}  // namespace chain_evm
