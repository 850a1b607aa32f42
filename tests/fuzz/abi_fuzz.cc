// A declaration, a line feed, and bytes: a declaration or an error; what is decoded by it is encoded, and the encoding is decoded as the
// same values. No more is made than the bytes have room for.
#include <heddle/sdk/error.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz_values.h"
#include "plugins/chain_evm/abi_codec.h"
#include "plugins/chain_evm/declaration.h"
#include "plugins/chain_evm/hex.h"
#include "plugins/chain_evm/interface.h"

namespace {

using heddle::sdk::Value;
using heddle::sdk::ValueRef;

void require(bool ok) {
  if (!ok) std::abort();
}

size_t count(ValueRef value) {
  size_t n = 1;
  if (value.is(HEDDLE_LIST) || value.is(HEDDLE_MAP))
    for (size_t i = 0; i < value.size(); ++i) n += count(value.at(i));
  return n;
}

template <class Fn>
bool unless_refused(Fn&& fn) {
  try {
    fn();
    return true;
  } catch (const heddle::sdk::Error&) {
    return false;  // most inputs are none
  }
}

void read_data(const chain_evm::AbiTypes& types, std::string_view data) {
  Value values;
  if (!unless_refused([&] { values = chain_evm::decode(types, data); })) return;
  // Each value but the outermost list has a word of the data for itself, or is made of such; tuples and arrays of one element nest so deep.
  require(count(values) <= 1 + (data.size() / 32 + 1) * (chain_evm::AbiType::kMostDepth + 1));
  const std::string encoded = chain_evm::encode(types, values);
  require(chain_evm::decode(types, encoded).json() == values.json());
  require(chain_evm::encode(types, chain_evm::decode(types, encoded)) == encoded);
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  heddle::make_values();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const chain_evm::Interface known;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const size_t end = std::min(text.find('\n'), text.size());
  const std::string_view bytes = text.substr(std::min(end + 1, text.size()));
  chain_evm::Declaration declared;
  if (!unless_refused([&] { declared = chain_evm::parse_declaration(text.substr(0, end)); })) return 0;
  const chain_evm::Declaration again = chain_evm::parse_declaration("function " + declared.signature());
  require(again.signature() == declared.signature() && chain_evm::head_size(again.inputs) == chain_evm::head_size(declared.inputs));
  read_data(declared.inputs, bytes);
  read_data(declared.outputs, bytes);
  (void)known.describe_revert(bytes);
  for (const chain_evm::Event& event : known.events()) {
    // Topics and data out of the same bytes.
    std::vector<std::string> topics = {event.topic0};
    for (const chain_evm::AbiType& input : event.inputs)
      if (input.is_indexed) topics.emplace_back(bytes.substr(0, std::min<size_t>(bytes.size(), 32)));
    unless_refused([&] { (void)event.decode(topics, bytes); });
  }
  return 0;
}
