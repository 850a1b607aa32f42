#include "heads.h"

#include <algorithm>

#include "amount.h"
#include "hex.h"

namespace chain_evm {

std::optional<Block> read_block(heddle::sdk::ValueRef value) {
  const auto text = [&](const char* key) { return value.find(key).as_text().value_or(""); };
  auto hash = parse_hex(text("hash"), kHashSize), parent = parse_hex(text("parentHash"), kHashSize);
  if (!hash || !parent) return std::nullopt;
  try {
    const Amount number = parse_quantity(text("number")), unix = parse_quantity(text("timestamp"));
    if (number > INT64_MAX || unix > INT64_MAX) return std::nullopt;
    return Block{.number = static_cast<uint64_t>(number), .hash = *std::move(hash), .parent = *std::move(parent), .unix = static_cast<int64_t>(static_cast<uint64_t>(unix))};
  } catch (const heddle::sdk::Error&) {
    return std::nullopt;  // no quantities
  }
}

const Block* Heads::at(uint64_t number) const {
  if (blocks_.empty() || number < blocks_.front().number || number > blocks_.back().number) return nullptr;
  return &blocks_[number - blocks_.front().number];
}

uint64_t Heads::wanted(uint64_t newest) const {
  if (blocks_.empty() || newest > blocks_.back().number + kMost / 2) return newest;
  return std::min(newest, blocks_.back().number + 1);
}

Heads::Change Heads::add(const std::vector<Block>& blocks) {
  if (blocks.empty()) return {};
  const uint64_t first = blocks.front().number, newest = blocks.back().number;
  for (size_t i = 1; i < blocks.size(); ++i)
    if (blocks[i].number != blocks[i - 1].number + 1 || blocks[i].parent != blocks[i - 1].hash) return {.is_linked = false, .wanted = first};
  Change change{.is_linked = true, .wanted = newest};
  // A node that is a little behind, or one of several behind one address: nothing is undone until another block stands there.
  if (const Block* const known = at(newest); known && known->hash == blocks.back().hash) return change;
  if (!blocks_.empty()) {
    const Block* const before = first == 0 ? nullptr : at(first - 1);
    const bool follows = before && before->hash == blocks.front().parent;
    const bool is_far = newest > blocks_.back().number + kMost / 2;
    const Block* const same = at(first);
    if (!follows && !is_far && !(same && same->hash == blocks.front().hash)) {
      // They part further back: twice as far each time.
      const uint64_t back = std::max<uint64_t>(1, newest - first + 1);
      if (first > blocks_.front().number) return {.is_linked = false, .wanted = std::max(blocks_.front().number, first - std::min(first, back))};
    }
    // The first one that is another one now, or that is not there any more.
    for (const Block& old : blocks_) {
      const bool is_kept = old.number < first ? follows || (same && same->hash == blocks.front().hash) : old.number <= newest && blocks[old.number - first].hash == old.hash;
      if (is_kept) continue;
      change.removed_from = old.number;
      break;
    }
    if (is_far && !follows) change.removed_from = blocks_.front().number;
  }
  const uint64_t keep = change.removed_from.value_or(UINT64_MAX);
  while (!blocks_.empty() && blocks_.back().number >= std::min(keep, first)) blocks_.pop_back();
  if (!blocks_.empty() && blocks_.back().number + 1 != first) blocks_.clear();
  blocks_.insert(blocks_.end(), blocks.begin(), blocks.end());
  while (blocks_.size() > kMost) blocks_.pop_front();
  return change;
}

}  // namespace chain_evm
