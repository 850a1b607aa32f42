#include "receipts.h"

#include <algorithm>
#include <utility>

#include "hex.h"

namespace chain_evm {

ToldReceipt read_receipt(heddle::sdk::ValueRef value, std::string_view hash) {
  if (value.is_null()) return {.told = Told::kNotThere};
  if (!value.is(HEDDLE_MAP)) return {};
  const auto text = [&](const char* key) { return value.find(key).as_text().value_or(""); };
  if (parse_hex(text("transactionHash"), kHashSize) != hash) return {};
  if (value.find("blockHash").is_null() && value.find("blockNumber").is_null()) return {.told = Told::kNotThere};  // some nodes have one before there is a block
  auto block_hash = parse_hex(text("blockHash"), kHashSize);
  if (!block_hash) return {};
  // What it has cost is not said by all.
  const auto perhaps = [&](const char* key) { return value.find(key).as_text() ? parse_quantity(text(key)) : Amount(0); };
  try {
    const Amount block = parse_quantity(text("blockNumber"));
    if (block > INT64_MAX) return {};
    return {.told = Told::kThere,
            .receipt = {.hash = std::string(hash),
                        .block_hash = *std::move(block_hash),
                        .block = static_cast<uint64_t>(block),
                        .succeeded = parse_quantity(text("status")) != 0,
                        .paid = perhaps("gasUsed") * perhaps("effectiveGasPrice")}};
  } catch (const heddle::sdk::Error&) {
    return {};  // no quantities
  }
}

bool can_stand(const Receipt& receipt, const Heads& heads) {
  if (const Block* const block = heads.at(receipt.block)) return block->hash == receipt.block_hash;
  return !heads.newest() || receipt.block <= heads.newest()->number;
}

bool has_block_without(heddle::sdk::ValueRef block, std::string_view hash, const std::vector<heddle::sdk::ValueRef>& receipts) {
  const auto read = read_block(block);
  return read && read->hash == hash && std::all_of(receipts.begin(), receipts.end(), [](heddle::sdk::ValueRef receipt) { return receipt.is_null(); });
}

}  // namespace chain_evm
