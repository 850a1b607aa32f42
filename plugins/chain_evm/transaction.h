// Transaction: one of type 2, with its own fees (EIP-1559, in the envelope of EIP-2718), without an access list.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "amount.h"

namespace chain_evm {

// Of secp256k1, over 32 bytes; s is the lower one of two (EIP-2).
struct Signature {
  Amount r, s;
  uint8_t y_parity = 0;  // 0 or 1
  bool operator==(const Signature&) const = default;
};

struct Transaction {
  uint64_t chain_id = 0, nonce = 0;
  Amount max_priority_fee, max_fee;  // wei for one gas
  uint64_t gas = 0;
  std::string to;  // 20 bytes; empty: it makes a contract
  Amount value;    // wei
  std::string data = {};
  bool operator==(const Transaction&) const = default;

  // What is signed, and its Keccak-256.
  std::string unsigned_payload() const;
  std::string signing_hash() const;
  // What eth_sendRawTransaction takes, in bytes.
  std::string raw(const Signature& signature) const;
};

// The name of a transaction on the chain: 32 bytes.
std::string transaction_hash(std::string_view raw);

struct SignedTransaction {
  Transaction transaction;
  Signature signature;
};
// One of ours back from its raw bytes. Throws heddle::sdk::Error (INVALID). Who signed it: recover_address in curve.h.
SignedTransaction parse_transaction(std::string_view raw);

}  // namespace chain_evm
