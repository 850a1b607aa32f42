// Declaration: a function, event or error as Solidity's source has it: "function pollActivity(string queue, uint16 partition) view returns
// (bytes32 id, bool found)".
#pragma once
#include <string>
#include <string_view>

#include "abi_type.h"

namespace chain_evm {

struct Declaration {
  enum class Kind { kFunction, kEvent, kError };
  Kind kind = Kind::kFunction;
  std::string name;
  AbiTypes inputs, outputs = {};
  bool has_outputs = false;  // "returns" was said
  bool is_anonymous = false;

  // "pollActivity(string,uint16)"
  std::string signature() const { return name + text_of(inputs); }
};

// The word "function" may be left out, and names may be, and a tuple is "(…)" or "tuple(…)". Takes "view", "external" and the like,
// "memory" and the like. Throws heddle::sdk::Error (INVALID), which says where.
Declaration parse_declaration(std::string_view text);

}  // namespace chain_evm
