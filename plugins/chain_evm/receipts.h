// Receipts: what a node answers when it is asked for the receipt of a transaction, and whether that can be so. No I/O.
#pragma once
#include <heddle/sdk/value.h>

#include <cstdint>
#include <string_view>
#include <vector>

#include "heads.h"
#include "record.h"

namespace chain_evm {

enum class Told : uint8_t {
  kNotThere,  // it is in no block that the node knows
  kThere,
  kUnclear    // there is something, and it is no receipt of this transaction: neither of the others may be taken from it
};

struct ToldReceipt {
  Told told = Told::kUnclear;
  Receipt receipt = {};  // of kThere
};

// `value`: the answer of eth_getTransactionReceipt; empty: there is none, which is unclear. `hash`: what was asked for.
ToldReceipt read_receipt(heddle::sdk::ValueRef value, std::string_view hash);

// False: another block than its own stands there, or there is none yet.
bool can_stand(const Receipt& receipt, const Heads& heads);

// What a node answers, all of it: true if `block` is the one with that hash, and `receipts`, of whatever was asked for, are none. An empty value denies it.
bool has_block_without(heddle::sdk::ValueRef block, std::string_view hash, const std::vector<heddle::sdk::ValueRef>& receipts);

}  // namespace chain_evm
