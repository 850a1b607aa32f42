// Bytes and addresses, as a chain writes them. Bytes are kept in a std::string: a hash is 32 of them, an address 20.
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace chain_evm {

inline constexpr size_t kHashSize = 32, kAddressSize = 20;

// "0x" and two digits for each byte, lower case.
std::string to_hex(std::string_view bytes);
// Nothing, where the text is none of the above; both cases are taken.
std::optional<std::string> parse_hex(std::string_view text);
// The same, and of that size: a hash or a bytes32 for instance.
std::optional<std::string> parse_hex(std::string_view text, size_t size);

// The 20 bytes of "0x…". In mixed case it is a checksum (EIP-55) and must be right. Throws heddle::sdk::Error (INVALID).
std::string parse_address(std::string_view text);
// EIP-55. What we write otherwise is to_hex, in lower case.
std::string to_checksummed(std::string_view address);

}  // namespace chain_evm
