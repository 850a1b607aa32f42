// RLP, the "recursive length prefix" of Ethereum (Yellow Paper, appendix B): bytes, and lists of such.
#pragma once
#include <string>
#include <string_view>

#include "amount.h"

namespace chain_evm {

std::string rlp_bytes(std::string_view bytes);
std::string rlp_number(const Amount& number);
// `items`: encoded, one after the other.
std::string rlp_list(std::string_view items);

// Reads one item after the other from what it borrows. Only the one right form of each is taken. All but at_end throw heddle::sdk::Error
// (INVALID): there is no such item. Allocates nothing for the items.
class RlpReader {
 public:
  explicit RlpReader(std::string_view encoded) : rest_(encoded) {}
  bool at_end() const { return rest_.empty(); }
  // True if the next item is a list.
  bool at_list() const;
  std::string_view bytes();
  // Not more than 32 bytes, and no zero in front.
  Amount number();
  uint64_t small_number();  // not more than 64 bits
  RlpReader list();
  // Throws unless at_end.
  void end() const;

 private:
  struct Head {
    bool is_list;
    size_t head, body;  // bytes
  };
  Head head() const;
  std::string_view take(bool list);
  std::string_view rest_;
};

}  // namespace chain_evm
