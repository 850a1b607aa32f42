// Any bytes as RLP: what is read is written as the same bytes, for there is one form only; and what is a transaction is written as the same
// bytes, too.
#include <heddle/sdk/error.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "plugins/chain_evm/curve.h"
#include "plugins/chain_evm/rlp.h"
#include "plugins/chain_evm/transaction.h"

namespace {

constexpr int kMostDepth = 64;

void require(bool ok) {
  if (!ok) std::abort();
}

// All that comes, written again. Throws where it is no RLP.
std::string written(chain_evm::RlpReader reader, int depth) {
  std::string out;
  while (!reader.at_end()) {
    if (!reader.at_list())
      out += chain_evm::rlp_bytes(reader.bytes());
    else if (depth < kMostDepth)
      out += chain_evm::rlp_list(written(reader.list(), depth + 1));
    else
      throw heddle::sdk::Error(HEDDLE_INVALID, "too deep");
  }
  return out;
}

void read_numbers(std::string_view text) {
  chain_evm::RlpReader reader(text);
  const chain_evm::Amount number = reader.number();
  require(text.starts_with(chain_evm::rlp_number(number)));
}

void read_transaction(std::string_view text) {
  const chain_evm::SignedTransaction read = chain_evm::parse_transaction(text);
  require(read.transaction.raw(read.signature) == text);
  (void)chain_evm::recover_address(read.transaction.signing_hash(), read.signature);
}

template <class Fn>
void unless_refused(Fn&& fn) {
  try {
    fn();
  } catch (const heddle::sdk::Error&) {
    // Most inputs are none.
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  unless_refused([&] { require(written(chain_evm::RlpReader(text), 0) == text); });
  unless_refused([&] { read_numbers(text); });
  unless_refused([&] { read_transaction(text); });
  return 0;
}
