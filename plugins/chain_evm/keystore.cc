#include "keystore.h"

#include <heddle/sdk/value.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include <cstring>
#include <memory>
#include <string>

#include "hex.h"
#include "keccak.h"
#include "refusal.h"
#include "scrypt.h"

namespace chain_evm {
namespace {

using heddle::sdk::Error;
using heddle::sdk::Value;
using heddle::sdk::ValueRef;

constexpr size_t kDerived = 32, kCipherKey = 16, kBlock = 16, kMostSalt = 1024;

[[noreturn]] void fail(const std::string& why) { throw Refusal(HEDDLE_INVALID, "no-key", "it is no keystore that can be used: " + why); }

Value parse(std::string_view json) {
  try {
    return Value::parse(json);
  } catch (const Error&) {
    fail("it is not JSON");
  }
}

std::string bytes_in(ValueRef map, const char* name) {
  const auto text = map.find(name).as_text();
  const auto bytes = text ? parse_hex(text->starts_with("0x") ? std::string(*text) : "0x" + std::string(*text)) : std::nullopt;
  if (!bytes) fail(std::string("\"") + name + "\" must be hex digits");
  return *bytes;
}

std::string bytes_in(ValueRef map, const char* name, size_t size) {
  std::string bytes = bytes_in(map, name);
  if (bytes.size() != size) fail(std::string("\"") + name + "\" must have " + std::to_string(size) + " bytes");
  return bytes;
}

uint64_t number_in(ValueRef map, const char* name, uint64_t most) {
  const auto number = map.find(name).as_int();
  if (!number || *number < 1) fail(std::string("\"") + name + "\" must be a whole number from 1 on");
  if (static_cast<uint64_t>(*number) > most)
    fail(std::string("\"") + name + "\" is greater than " + std::to_string(most) + ", which is allowed");
  return static_cast<uint64_t>(*number);
}

bool says(ValueRef map, const char* name, std::string_view text) {
  return map.find(name).is(HEDDLE_STRING) && *map.find(name).as_text() == text;
}

// Throws for what OpenSSL cannot do, and leaves nothing in its queue.
void check(bool done, const char* what) {
  if (done) return;
  ::ERR_clear_error();
  fail(std::string("OpenSSL cannot ") + what);
}

SecretBytes derived_key(ValueRef crypto, std::string_view password, const KeystoreLimits& limits) {
  const ValueRef params = crypto.find("kdfparams");
  const std::string salt = bytes_in(params, "salt");
  if (salt.empty() || salt.size() > kMostSalt) fail("\"salt\" must have 1 to 1024 bytes");
  // Both functions give the same first bytes, however many are wanted.
  if (number_in(params, "dklen", 1024) < kDerived) fail("\"dklen\" is less than 32");
  const auto* const salt_bytes = reinterpret_cast<const unsigned char*>(salt.data());
  SecretBytes key(kDerived);
  if (says(crypto, "kdf", "scrypt")) {
    const uint64_t n = number_in(params, "n", UINT32_MAX), r = number_in(params, "r", 1 << 16), p = number_in(params, "p", 1 << 10);
    if (n < 2 || (n & (n - 1)) != 0) fail("\"n\" is no power of 2");
    if ((n + p) * r > limits.memory / 128)
      fail("it wants " + std::to_string(((n + p) * r >> 13) + 1) + " MiB of memory, and " + std::to_string(limits.memory >> 20) +
           " are allowed");
    if (n * r > limits.blocks / p) fail("it wants more work of scrypt than is allowed (n * r * p)");
    try {
      key = scrypt(password, salt, {.n = n, .r = r, .p = p}, kDerived);
    } catch (const Error& why) {
      fail(why.what());
    }
  } else if (says(crypto, "kdf", "pbkdf2")) {
    if (!says(params, "prf", "hmac-sha256")) fail("\"prf\" is not hmac-sha256");
    const uint64_t rounds = number_in(params, "c", limits.rounds);
    check(::PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()), salt_bytes, static_cast<int>(salt.size()),
                              static_cast<int>(rounds), ::EVP_sha256(), static_cast<int>(key.size()), key.data()) == 1,
          "derive its key by PBKDF2");
  } else {
    fail("\"kdf\" is neither scrypt nor pbkdf2");
  }
  return key;
}

// Keccak-256 of the second half of the derived key and what was enciphered.
bool has_mac(const SecretBytes& derived, const std::string& ciphertext, const std::string& mac) {
  SecretBytes body(kCipherKey + ciphertext.size());
  std::memcpy(body.data(), derived.data() + kCipherKey, kCipherKey);
  std::memcpy(body.data() + kCipherKey, ciphertext.data(), ciphertext.size());
  return ::CRYPTO_memcmp(keccak256(body.view()).data(), mac.data(), mac.size()) == 0;
}

SecretBytes deciphered(const SecretBytes& derived, const std::string& ciphertext, const std::string& iv) {
  const std::unique_ptr<EVP_CIPHER_CTX, decltype(&::EVP_CIPHER_CTX_free)> cipher(::EVP_CIPHER_CTX_new(), &::EVP_CIPHER_CTX_free);
  SecretBytes key(ciphertext.size());
  int size = 0;
  check(cipher &&
            ::EVP_DecryptInit_ex(cipher.get(), ::EVP_aes_128_ctr(), nullptr, derived.data(),
                                 reinterpret_cast<const unsigned char*>(iv.data())) == 1 &&
            ::EVP_DecryptUpdate(cipher.get(), key.data(), &size, reinterpret_cast<const unsigned char*>(ciphertext.data()),
                                static_cast<int>(ciphertext.size())) == 1 &&
            static_cast<size_t>(size) == key.size(),
        "decipher it");
  return key;
}

}  // namespace

SecretBytes open_keystore(std::string_view json, std::string_view password, const KeystoreLimits& limits) {
  const Value file = parse(json);
  if (file.find("version").as_int() != 3) fail("\"version\" is not 3");
  // Files of some older tools have it with a capital letter.
  const ValueRef crypto = file.find("crypto") ? file.find("crypto") : file.find("Crypto");
  if (!says(crypto, "cipher", "aes-128-ctr")) fail("\"cipher\" is not aes-128-ctr");
  const std::string ciphertext = bytes_in(crypto, "ciphertext", kHashSize), iv = bytes_in(crypto.find("cipherparams"), "iv", kBlock),
                    mac = bytes_in(crypto, "mac", kHashSize);
  const SecretBytes derived = derived_key(crypto, password, limits);
  if (!has_mac(derived, ciphertext, mac)) throw Refusal(HEDDLE_DENIED, "bad-password", "the password is not that of the keystore");
  return deciphered(derived, ciphertext, iv);
}

}  // namespace chain_evm
