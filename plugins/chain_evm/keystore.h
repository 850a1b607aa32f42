// A key in the Web3 Secret Storage, version 3 (ethereum.org, "Web3 secret storage definition"): with scrypt or PBKDF2, and AES-128-CTR.
#pragma once
#include <cstdint>
#include <string_view>

#include "secret_bytes.h"

namespace chain_evm {

// What a file may ask of us before its password is known to be right.
struct KeystoreLimits {
  uint64_t memory = uint64_t{512} << 20;  // bytes, of scrypt; geth's files want 256 MiB
  uint64_t blocks = uint64_t{1} << 25;    // n * r * p of scrypt; geth's files want 2^21
  uint64_t rounds = 10'000'000;           // of PBKDF2
};

// The 32 bytes of the key. Needs memory and seconds, as the file has it. Throws Refusal: "no-key": what is wrong with the file, and
// "bad-password".
SecretBytes open_keystore(std::string_view json, std::string_view password, const KeystoreLimits& limits = {});

}  // namespace chain_evm
