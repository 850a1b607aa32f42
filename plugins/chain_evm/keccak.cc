#include "keccak.h"

#include <cryptopp/keccak.h>

namespace chain_evm {

std::string keccak256(std::string_view bytes) {
  std::string hash(CryptoPP::Keccak_256::DIGESTSIZE, '\0');
  CryptoPP::Keccak_256().CalculateDigest(reinterpret_cast<CryptoPP::byte*>(hash.data()),
                                         reinterpret_cast<const CryptoPP::byte*>(bytes.data()), bytes.size());
  return hash;
}

}  // namespace chain_evm
