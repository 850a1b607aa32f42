// Heads: the newest blocks of the chain, each linked to the one before it, as one node tells them. No I/O.
#pragma once
#include <heddle/sdk/value.h>

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

namespace chain_evm {

struct Block {
  uint64_t number = 0;
  std::string hash, parent;  // 32 bytes
  int64_t unix = 0;
};
// From the answer of eth_getBlockByNumber. Nothing: there is no such block, or it is none.
std::optional<Block> read_block(heddle::sdk::ValueRef value);

class Heads {
 public:
  static constexpr size_t kMost = 1024;

  // `back`: so many blocks behind the newest may still be undone, and are fetched with it where nothing is known that it could follow.
  explicit Heads(uint64_t back = 0);

  // What became of a list of blocks.
  struct Change {
    bool is_linked = false;                      // else nothing has changed: more is to be fetched, see `wanted`
    uint64_t wanted = 0;                         // the first block that is to be fetched, up to the newest
    std::optional<uint64_t> removed_from = {};   // this block and those after it are other ones now; 0: any may be
  };
  // `blocks`: in order and without gaps; the last one is the newest there is.
  Change add(const std::vector<Block>& blocks);
  // The first block to fetch for a newest one of that number, up to that; the number itself: none but it.
  uint64_t wanted(uint64_t newest) const;

  // Null: not known, or not known any more.
  const Block* at(uint64_t number) const;
  const Block* newest() const { return blocks_.empty() ? nullptr : &blocks_.back(); }
  uint64_t oldest() const { return blocks_.empty() ? 0 : blocks_.front().number; }

 private:
  bool is_far(uint64_t newest) const;  // there is nothing it could follow or replace

  const uint64_t back_;
  std::deque<Block> blocks_;
};

}  // namespace chain_evm
