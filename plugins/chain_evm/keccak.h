// Keccak-256: the hash of the EVM, which is not SHA3-256 (another padding).
#pragma once
#include <string>
#include <string_view>

namespace chain_evm {

// 32 bytes.
std::string keccak256(std::string_view bytes);

}  // namespace chain_evm
