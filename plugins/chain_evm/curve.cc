#include "curve.h"

#include <errno.h>
#include <secp256k1.h>
#include <secp256k1_recovery.h>
#include <sys/random.h>

#include <stdexcept>

#include "hex.h"
#include "keccak.h"

namespace chain_evm {
namespace {

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

std::string address_of(const secp256k1_context* context, const secp256k1_pubkey& key) {
  std::string point(65, '\0');  // 4, x, y
  size_t size = point.size();
  secp256k1_ec_pubkey_serialize(context, reinterpret_cast<unsigned char*>(point.data()), &size, &key, SECP256K1_EC_UNCOMPRESSED);
  return keccak256(std::string_view(point).substr(1)).substr(kHashSize - kAddressSize);
}

}  // namespace

struct CurveKey::Context {
  Context() : made(secp256k1_context_create(SECP256K1_CONTEXT_NONE)) {
    SecretBytes seed(32);
    ssize_t got = -1;
    do got = ::getrandom(seed.data(), seed.size(), 0);
    while (got < 0 && errno == EINTR);
    // Blinds what the time and the current of a signature could tell of the key.
    if (got != static_cast<ssize_t>(seed.size()) || !secp256k1_context_randomize(made.get(), seed.data()))
      throw heddle::sdk::Error(HEDDLE_INTERNAL, "the system gives no random bytes");
  }
  struct Destroy {
    void operator()(secp256k1_context* context) const { secp256k1_context_destroy(context); }
  };
  const std::unique_ptr<secp256k1_context, Destroy> made;
};

CurveKey::CurveKey(SecretBytes key) : key_(std::move(key)), context_(std::make_unique<Context>()) {
  secp256k1_pubkey point;
  if (key_.size() != 32 || !secp256k1_ec_pubkey_create(context_->made.get(), &point, key_.data()))
    throw std::invalid_argument("it is no private key of the curve secp256k1");
  address_ = address_of(context_->made.get(), point);
}

CurveKey::~CurveKey() = default;

Signature CurveKey::sign(std::string_view hash) const {
  if (hash.size() != kHashSize) throw std::invalid_argument("what is signed must be a hash of 32 bytes");
  secp256k1_ecdsa_recoverable_signature made;
  // Cannot fail: the key is one, and the nonce function is the library's own (RFC 6979), which also gives the lower s.
  if (!secp256k1_ecdsa_sign_recoverable(context_->made.get(), &made, bytes_of(hash), key_.data(), nullptr, nullptr))
    throw std::logic_error("secp256k1 makes no signature");
  std::string both(64, '\0');
  int parity = 0;
  secp256k1_ecdsa_recoverable_signature_serialize_compact(context_->made.get(), reinterpret_cast<unsigned char*>(both.data()), &parity,
                                                          &made);
  if (parity > 1) throw std::logic_error("secp256k1 makes a signature that the EVM does not know");  // the chance is 2^-128
  return {amount_of(std::string_view(both).substr(0, 32)), amount_of(std::string_view(both).substr(32)), static_cast<uint8_t>(parity)};
}

std::optional<std::string> recover_address(std::string_view hash, const Signature& signature) {
  if (hash.size() != kHashSize || signature.y_parity > 1) return std::nullopt;
  const secp256k1_context* const context = secp256k1_context_static;
  const std::string both = to_word(signature.r) + to_word(signature.s);
  secp256k1_ecdsa_signature plain;
  // Normalizing says whether it had to: then s was the higher one.
  if (!secp256k1_ecdsa_signature_parse_compact(context, &plain, bytes_of(both)) ||
      secp256k1_ecdsa_signature_normalize(context, nullptr, &plain))
    return std::nullopt;
  secp256k1_ecdsa_recoverable_signature given;
  secp256k1_pubkey point;
  if (!secp256k1_ecdsa_recoverable_signature_parse_compact(context, &given, bytes_of(both), signature.y_parity) ||
      !secp256k1_ecdsa_recover(context, &point, &given, bytes_of(hash)))
    return std::nullopt;
  return address_of(context, point);
}

}  // namespace chain_evm
