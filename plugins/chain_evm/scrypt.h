// scrypt (RFC 7914).
#pragma once
#include <cstdint>
#include <string_view>

#include "secret_bytes.h"

namespace chain_evm {

struct ScryptCost {
  uint64_t n = 0, r = 0, p = 0;  // n: a power of 2
};

// Takes 128 * r * (n + p) bytes and n * r * p steps: who calls has looked at that. Throws heddle::sdk::Error.
SecretBytes scrypt(std::string_view password, std::string_view salt, const ScryptCost& cost, size_t size);

}  // namespace chain_evm
