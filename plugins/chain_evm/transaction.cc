#include "transaction.h"

#include <heddle/sdk/error.h>

#include "hex.h"
#include "keccak.h"
#include "rlp.h"

namespace chain_evm {
namespace {

using heddle::sdk::Error;

constexpr char kType = 2;

// The fields that are signed, encoded one after the other.
std::string fields_of(const Transaction& t) {
  return rlp_number(t.chain_id) + rlp_number(t.nonce) + rlp_number(t.max_priority_fee) + rlp_number(t.max_fee) + rlp_number(t.gas) +
         rlp_bytes(t.to) + rlp_number(t.value) + rlp_bytes(t.data) + rlp_list({});  // the access list
}

}  // namespace

std::string Transaction::unsigned_payload() const { return kType + rlp_list(fields_of(*this)); }

std::string Transaction::signing_hash() const { return keccak256(unsigned_payload()); }

std::string Transaction::raw(const Signature& signature) const {
  return kType + rlp_list(fields_of(*this) + rlp_number(signature.y_parity) + rlp_number(signature.r) + rlp_number(signature.s));
}

std::string transaction_hash(std::string_view raw) { return keccak256(raw); }

SignedTransaction parse_transaction(std::string_view raw) {
  if (!raw.starts_with(kType)) throw Error(HEDDLE_INVALID, "this is no transaction of type 2");
  RlpReader envelope(raw.substr(1));
  RlpReader fields = envelope.list();
  envelope.end();
  SignedTransaction found;
  Transaction& t = found.transaction;
  t.chain_id = fields.small_number();
  t.nonce = fields.small_number();
  t.max_priority_fee = fields.number();
  t.max_fee = fields.number();
  t.gas = fields.small_number();
  t.to = fields.bytes();
  t.value = fields.number();
  t.data = fields.bytes();
  fields.list().end();
  const uint64_t parity = fields.small_number();
  found.signature.r = fields.number();
  found.signature.s = fields.number();
  fields.end();
  if (parity > 1 || (!t.to.empty() && t.to.size() != kAddressSize))
    throw Error(HEDDLE_INVALID, "this is no transaction of type 2: an address or a signature in it is none");
  found.signature.y_parity = static_cast<uint8_t>(parity);
  return found;
}

}  // namespace chain_evm
