// secp256k1: signatures and whose they are.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "secret_bytes.h"
#include "transaction.h"

namespace chain_evm {

// A private key and what it signs. Any thread.
class CurveKey {
 public:
  // 32 bytes. Throws std::invalid_argument: that is no key of the curve.
  explicit CurveKey(SecretBytes key);
  ~CurveKey();

  // 20 bytes.
  const std::string& address() const { return address_; }
  // The same for the same hash, always (RFC 6979). `hash`: 32 bytes.
  Signature sign(std::string_view hash) const;

 private:
  struct Context;
  SecretBytes key_;
  std::unique_ptr<Context> context_;
  std::string address_;
};

// Who signed `hash` (32 bytes); nothing, where no key can have: r or s is out of range, or s is the higher one of two.
std::optional<std::string> recover_address(std::string_view hash, const Signature& signature);

}  // namespace chain_evm
