#include "scrypt.h"

#include <cryptopp/scrypt.h>
#include <heddle/sdk/error.h>

#include <string>

namespace chain_evm {

// Not OpenSSL's, which refuses n = 2^18 with r = 1, as the RFC does, too: eth-keyfile wrote such files for years.
SecretBytes scrypt(std::string_view password, std::string_view salt, const ScryptCost& cost, size_t size) {
  const auto bytes = [](std::string_view text) { return reinterpret_cast<const CryptoPP::byte*>(text.data()); };
  SecretBytes key(size);
  try {
    CryptoPP::Scrypt().DeriveKey(key.data(), key.size(), bytes(password), password.size(), bytes(salt), salt.size(), cost.n, cost.r,
                                 cost.p);
  } catch (const CryptoPP::Exception& why) {
    throw heddle::sdk::Error(HEDDLE_INVALID, std::string("scrypt: ") + why.what());
  }
  return key;
}

}  // namespace chain_evm
