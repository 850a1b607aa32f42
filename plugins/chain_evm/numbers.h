// Numbers: how many numbers (nonces) of the account are used, from what several nodes say, of which one may be wrong. No I/O.
#pragma once
#include <cstdint>
#include <optional>
#include <vector>

namespace chain_evm {

// Further ahead of what is known a number is not believed: nobody has sent so many in between.
inline constexpr uint64_t kMostAhead = 65'536;

// What one node says.
struct Counted {
  uint64_t latest = 0;   // numbers that are used in its newest block
  uint64_t pending = 0;  // and with what it keeps for one
};

struct FirstFree {
  std::optional<uint64_t> number = {};  // what no node has used, of those that are believed. Nothing: none is, or none has answered
  std::vector<size_t> doubted = {};     // nodes of which something is not
};

// What at least half of the nodes have in a block is so; and nobody is further ahead of that than kMostAhead. Nothing, of a node: it has not answered.
FirstFree first_free(const std::vector<std::optional<Counted>>& nodes);

}  // namespace chain_evm
