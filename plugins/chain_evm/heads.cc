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

Heads::Heads(uint64_t back) : back_(std::min<uint64_t>(back, kMost / 2)) {}

bool Heads::is_far(uint64_t newest) const { return blocks_.empty() || newest < blocks_.front().number || newest > blocks_.back().number + kMost / 2; }

const Block* Heads::at(uint64_t number) const {
  if (blocks_.empty() || number < blocks_.front().number || number > blocks_.back().number) return nullptr;
  return &blocks_[number - blocks_.front().number];
}

uint64_t Heads::wanted(uint64_t newest) const {
  if (is_far(newest)) return newest - std::min(newest, back_);
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
    const Block* const same = at(first);
    const bool is_linked = follows || (same && same->hash == blocks.front().hash);
    if (!is_linked && !is_far(newest) && first > blocks_.front().number) {
      // They part further back: twice as far each time.
      const uint64_t back = std::max<uint64_t>(1, newest - first + 1);
      return {.is_linked = false, .wanted = std::max(blocks_.front().number, first - std::min(first, back))};
    }
    // The first one that is another one now, or that is not there any more. Where they part before all that is known, nobody knows how far before.
    if (!is_linked) change.removed_from = 0;
    for (const Block& old : blocks_) {
      if (!is_linked || old.number < first || (old.number <= newest && blocks[old.number - first].hash == old.hash)) continue;
      change.removed_from = old.number;
      break;
    }
  }
  const uint64_t keep = change.removed_from.value_or(UINT64_MAX);
  while (!blocks_.empty() && blocks_.back().number >= std::min(keep, first)) blocks_.pop_back();
  if (!blocks_.empty() && blocks_.back().number + 1 != first) blocks_.clear();
  blocks_.insert(blocks_.end(), blocks.begin(), blocks.end());
  while (blocks_.size() > kMost) blocks_.pop_front();
  return change;
}

}  // namespace chain_evm
