#include "errors.h"

#include <algorithm>
#include <utility>

#include "hex.h"

namespace chain_evm {
namespace {

using heddle::sdk::ValueRef;

// In lower case; the first that is found decides. Where one family's words are a part of another's, the longer ones stand first.
constexpr std::pair<std::string_view, Trouble> kWords[] = {
    // geth, anvil, erigon, reth
    {"already known", Trouble::kKnown},
    {"already imported", Trouble::kKnown},
    {"known transaction", Trouble::kKnown},  // hardhat, besu
    {"existing tx with same hash", Trouble::kKnown},
    {"alreadyknown", Trouble::kKnown},  // nethermind
    {"already in mempool", Trouble::kKnown},
    {"already exists", Trouble::kKnown},
    {"nonce too low", Trouble::kNumberUsed},
    {"nonce is too low", Trouble::kNumberUsed},
    {"oldnonce", Trouble::kNumberUsed},  // nethermind
    {"nonce too high", Trouble::kNumberAhead},
    {"nonce too far in the future", Trouble::kNumberAhead},  // besu
    {"noncegap", Trouble::kNumberAhead},                     // nethermind
    {"nonce gap", Trouble::kNumberAhead},
    {"gapped nonce", Trouble::kNumberAhead},
    {"gapped-nonce", Trouble::kNumberAhead},
    {"noncetoofarinfuture", Trouble::kNumberAhead},
    {"replacement transaction underpriced", Trouble::kUnderpriced},
    {"replacement underpriced", Trouble::kUnderpriced},
    {"could not replace existing tx", Trouble::kUnderpriced},  // erigon
    {"replacementnotallowed", Trouble::kUnderpriced},          // nethermind
    {"tocompete", Trouble::kFeeTooLow},                        // nethermind: FeeTooLowToCompete
    {"max priority fee per gas higher than max fee", Trouble::kNever},
    {"priority fee per gas exceeds max fee", Trouble::kNever},
    {"less than block base fee", Trouble::kFeeTooLow},
    {"too low for the next block", Trouble::kFeeTooLow},  // hardhat
    {"base fee too low", Trouble::kFeeTooLow},
    {"underpriced", Trouble::kFeeTooLow},
    {"fee too low", Trouble::kFeeTooLow},
    {"feetoolow", Trouble::kFeeTooLow},
    {"tip cap", Trouble::kFeeTooLow},
    {"below configured minimum gas price", Trouble::kFeeTooLow},  // besu
    {"gas price below", Trouble::kFeeTooLow},
    {"gas price too low", Trouble::kFeeTooLow},
    {"insufficient funds", Trouble::kNoBalance},
    {"insufficientfunds", Trouble::kNoBalance},
    {"doesn't have enough funds", Trouble::kNoBalance},          // hardhat
    {"upfront cost exceeds account balance", Trouble::kNoBalance},  // besu
    {"insufficient balance", Trouble::kNoBalance},
    {"gas required exceeds allowance", Trouble::kNoBalance},  // geth, of an estimate
    {"intrinsic gas", Trouble::kNever},
    {"floor data gas", Trouble::kNever},
    {"requires at least", Trouble::kNever},  // hardhat
    {"exceeds block gas limit", Trouble::kNever},
    {"exceeds the block gas limit", Trouble::kNever},
    {"exceeds transaction gas cap", Trouble::kNever},
    {"transaction gas limit too high", Trouble::kNever},
    {"gaslimitexceeded", Trouble::kNever},
    {"invalid sender", Trouble::kNever},
    {"chain id", Trouble::kNever},
    {"chainid", Trouble::kNever},
    {"signed for another chain", Trouble::kNever},  // hardhat
    {"transaction type not supported", Trouble::kNever},
    {"notsupportedtxtype", Trouble::kNever},
    {"oversized data", Trouble::kNever},
    {"max initcode size", Trouble::kNever},
    {"exceeds the configured cap", Trouble::kNever},  // geth: --rpc.txfeecap
    {"query returned more than", Trouble::kTooMany},
    {"log response size exceeded", Trouble::kTooMany},
    {"logs matched by query exceeds", Trouble::kTooMany},
    {"block range", Trouble::kTooMany},
    {"range too large", Trouble::kTooMany},
    {"range is too large", Trouble::kTooMany},
    {"range limit", Trouble::kTooMany},
    {"getlogs is limited", Trouble::kTooMany},
    {"too many logs", Trouble::kTooMany},
    {"max results", Trouble::kTooMany},
    {"response size", Trouble::kTooMany},
    {"query timeout", Trouble::kTooMany},
    {"query exceeds", Trouble::kTooMany},
    {"too many requests", Trouble::kRateLimited},
    {"rate limit", Trouble::kRateLimited},
    {"rate exceeded", Trouble::kRateLimited},
    {"request count exceeded", Trouble::kRateLimited},
    {"capacity", Trouble::kRateLimited},
    {"header not found", Trouble::kMissing},
    {"missing trie node", Trouble::kMissing},
    {"unknown block", Trouble::kMissing},
    {"block not found", Trouble::kMissing},
    {"blockoutofrange", Trouble::kMissing},  // anvil
    {"out of range", Trouble::kMissing},
    {"state is not available", Trouble::kMissing},
    {"historical state", Trouble::kMissing},
    {"revert", Trouble::kReverted},
    {"vm exception", Trouble::kReverted},
    {"vm execution error", Trouble::kReverted},
    {"invalid opcode", Trouble::kReverted},
    {"out of gas", Trouble::kReverted},
    {"stack underflow", Trouble::kReverted},
};

// Before what a contract says in its own words, which are anybody's: they must not be taken for those of the node.
constexpr std::string_view kReverts[] = {
    "execution reverted",              // geth, erigon, reth, besu, nethermind, anvil
    "reverted with",                   // hardhat: reason string, custom error, panic code
    "processing transaction: revert",  // ganache
};

constexpr int64_t kReverted = 3, kLimit = -32005;  // geth; EIP-1474

// "0x…" somewhere in what a node gives as data: the text itself, behind "Reverted ", or in a member of an object.
std::optional<std::string> revert_data(ValueRef data, int depth = 0) {
  if (data.is(HEDDLE_MAP) && depth < 3) {
    for (const char* const key : {"data", "result", "originalError"})
      if (auto found = revert_data(data.find(key), depth + 1)) return found;
    return std::nullopt;
  }
  const std::string_view text = data.is(HEDDLE_STRING) ? *data.as_text() : std::string_view();
  const size_t begin = text.find("0x");
  if (begin == text.npos || (begin != 0 && !text.starts_with("Reverted "))) return std::nullopt;
  return parse_hex(text.substr(begin));
}

}  // namespace

std::string quotable(std::string_view text) {
  std::string out(text.substr(0, 300));
  std::replace_if(out.begin(), out.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return out;
}

Trouble classify(int64_t code, std::string_view message) {
  std::string lower(message.substr(0, 1000));
  std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  if (code == kReverted) return Trouble::kReverted;
  for (const std::string_view words : kReverts)
    if (lower.find(words) != lower.npos) return Trouble::kReverted;
  for (const auto& [words, trouble] : kWords)
    if (lower.find(words) != lower.npos) return trouble;
  return code == kLimit || code == 429 ? Trouble::kRateLimited : Trouble::kUnknown;
}

NodeError read_error(ValueRef error, const std::function<std::string(std::string_view)>& show) {
  const std::string_view message = error.find("message").as_text().value_or("an error without a message");
  NodeError read{.code = error.find("code").as_int().value_or(0), .message = quotable(show ? show(message) : message), .data = revert_data(error.find("data"))};
  read.trouble = classify(read.code, message);
  if (read.trouble == Trouble::kUnknown && read.data && !read.data->empty()) read.trouble = Trouble::kReverted;
  return read;
}

}  // namespace chain_evm
