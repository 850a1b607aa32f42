// Any JSON as what a node or a journal may say: a block, fees, an error, a record, or none of them; a record that is read is written, and the same is read from that.
#include <heddle/sdk/error.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "fuzz_values.h"
#include "plugins/chain_evm/errors.h"
#include "plugins/chain_evm/fees.h"
#include "plugins/chain_evm/heads.h"
#include "plugins/chain_evm/record.h"
#include "plugins/chain_evm/url.h"

namespace {

using heddle::sdk::Value;

void require(bool ok) {
  if (!ok) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  heddle::make_values();
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    require(!chain_evm::Url::parse(text).host.empty());
  } catch (const heddle::sdk::Error&) {
    // most inputs are none
  }
  try {
    const Value value = Value::parse(text);
    chain_evm::read_block(value);
    chain_evm::read_market(value);
    require(chain_evm::read_error(value).message.size() <= 300);
    const std::string written = chain_evm::to_text(chain_evm::read_record(value));
    require(chain_evm::to_text(chain_evm::read_record(Value::parse(written))) == written);
  } catch (const heddle::sdk::Error&) {
    // as above
  }
  return 0;
}
