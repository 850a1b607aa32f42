// Values to and from the bytes of Solidity's contract ABI.
//
// uintN, intN   INT where it fits, else DECIMAL; also taken: STRING of decimal digits or "0x…"
// address       STRING "0x…", lower case; a mixed case must be a right checksum (EIP-55)
// bool          BOOL
// bytesN        STRING "0x…"; also taken: BYTES. Both must have the size
// bytes         BYTES; also taken: STRING "0x…"
// string        STRING; what is not UTF-8 is an error
// T[N], T[]     LIST
// tuple         MAP where all components have names, and no two the same; else LIST. Both are taken
#pragma once
#include <heddle/sdk/value.h>

#include <string>
#include <string_view>

#include "abi_type.h"

namespace chain_evm {

// `values`: as of a tuple of `types`. Throws heddle::sdk::Error (INVALID), which names the place: `"activity"[3]: …`.
std::string encode(const AbiTypes& types, heddle::sdk::ValueRef values);

// LIST: one value for each type. Reads what the types say and leaves what comes after it, as the EVM does. Numbers must have the bits of
// their types and no more; offsets must lead forward: no byte is read twice, and so what is made is bounded by the size of `data`. Throws
// heddle::sdk::Error (INVALID), which names the place.
heddle::sdk::Value decode(const AbiTypes& types, std::string_view data);
// As a tuple: MAP where all are named, else LIST.
heddle::sdk::Value decode_tuple(const AbiTypes& types, std::string_view data);

}  // namespace chain_evm
