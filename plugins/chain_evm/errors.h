// What nodes say when they do not do what they are asked. The standard leaves the words to them (EIP-1474 names some codes), so each family has its own: they all stand in errors.cc.
#pragma once
#include <heddle/sdk/value.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace chain_evm {

enum class Trouble : uint8_t {
  kUnknown,
  kKnown,        // it has this transaction already
  kNumberUsed,   // nonce too low
  kNumberAhead,  // nonce too high: it does not keep what comes too early
  kUnderpriced,  // not enough more than what has the number
  kFeeTooLow,    // not enough for a block, or for this node
  kNoBalance,
  kNever,        // the transaction itself is wrong for this chain
  kReverted,
  kTooMany,      // of logs or blocks, for one question
  kRateLimited,
  kMissing       // a block or a state that it has not, or has no more
};

// The member "error" of an answer.
struct NodeError {
  int64_t code = 0;
  std::string message = {};               // printable ASCII, at most 300 of it
  std::optional<std::string> data = {};   // what a call that reverted gave back, where the node says it
  Trouble trouble = Trouble::kUnknown;
};

Trouble classify(int64_t code, std::string_view message);
// `show`: takes out of a message what must not be shown.
NodeError read_error(heddle::sdk::ValueRef error, const std::function<std::string(std::string_view)>& show = {});

// What somebody outside said, fit for a message: printable ASCII, at most 300 of it.
std::string quotable(std::string_view text);

}  // namespace chain_evm
