#include "signer.h"

#include <heddle/sdk/config.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <stdexcept>
#include <utility>

#include "curve.h"
#include "hex.h"
#include "keystore.h"
#include "private_file.h"
#include "remote_signer.h"
#include "secret_bytes.h"

namespace chain_evm {
namespace {

using heddle::sdk::Error;
using heddle::sdk::ValueRef;

constexpr size_t kMostKeyFile = 1024, kMostKeystore = 65536, kMostPassword = 4096;
constexpr int64_t kTimeout = 5000, kMostTimeout = 600'000;  // milliseconds

[[noreturn]] void fail(const std::string& why) { throw Error(HEDDLE_INVALID, "\"key\": " + why); }

// The key is in this process.
class LocalSigner : public Signer {
 public:
  explicit LocalSigner(SecretBytes key) : key_(std::move(key)) {}
  const std::string& address() const override { return key_.address(); }
  void sign(const Transaction& transaction, Signed then) override { then(key_.sign(transaction.signing_hash())); }

 private:
  const CurveKey key_;
};

std::optional<std::string> text_in(ValueRef key, const char* name) {
  const ValueRef value = key.find(name);
  if (!value) return std::nullopt;
  if (!value.is(HEDDLE_STRING) || value.size() == 0) fail("\"" + std::string(name) + "\" must be a text");
  return std::string(*value.as_text());
}

// Why a file cannot be used, as the refusal of `code`.
template <class Read>
SecretBytes read_or_refuse(const char* code, Read&& read) {
  try {
    return read();
  } catch (const std::invalid_argument& why) {
    throw Refusal(HEDDLE_DENIED, code, why.what());
  }
}

bool is_space(unsigned char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

int digit_of(unsigned char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const auto low = static_cast<unsigned char>(c | 0x20);
  return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

// 64 hex digits; they are turned into bytes here and not in a string, which nobody would wipe. Empty: that is no key.
SecretBytes key_in(const SecretBytes& text) {
  const unsigned char *at = text.data(), *end = at + text.size();
  while (at < end && is_space(end[-1])) --end;
  while (at < end && is_space(*at)) ++at;
  if (end - at == 66 && at[0] == '0' && at[1] == 'x') at += 2;
  if (end - at != 64) return {};
  SecretBytes key(32);
  for (size_t i = 0; i < key.size(); ++i, at += 2) {
    const int high = digit_of(at[0]), low = digit_of(at[1]);
    if (high < 0 || low < 0) return {};
    key.data()[i] = static_cast<unsigned char>(high << 4 | low);
  }
  return key;
}

std::unique_ptr<Signer> local(SecretBytes key, const std::string& where) {
  try {
    return std::make_unique<LocalSigner>(std::move(key));
  } catch (const std::invalid_argument& why) {
    throw Refusal(HEDDLE_INVALID, "no-key", where + ": " + why.what());
  }
}

std::unique_ptr<Signer> open_key_file(const std::string& path) {
  const SecretBytes text = read_or_refuse("no-key", [&] { return read_private_file(path, kMostKeyFile); });
  SecretBytes key = key_in(text);
  if (key.size() == 0) throw Refusal(HEDDLE_INVALID, "no-key", "the file " + path + " does not have 64 hex digits, and nothing else");
  return local(std::move(key), "the file " + path);
}

SecretBytes read_password(ValueRef key) {
  const auto file = text_in(key, "password_file"), credential = text_in(key, "password_credential");
  const ValueRef descriptor = key.find("password_fd");
  if ((file ? 1 : 0) + (credential ? 1 : 0) + (descriptor ? 1 : 0) != 1)
    fail("a keystore needs \"password_file\", \"password_fd\" or \"password_credential\", and only one of them");
  const auto fd = descriptor ? descriptor.as_int() : 0;
  if (!fd || *fd < 0 || *fd > INT32_MAX) fail("\"password_fd\" must be the number of an open file descriptor");
  SecretBytes password = read_or_refuse("bad-password", [&] {
    if (file) return read_private_file(*file, kMostPassword);
    if (credential) return read_credential(*credential, kMostPassword);
    return read_descriptor(static_cast<int>(*fd), kMostPassword);
  });
  // An editor or echo ends it with a line.
  std::string_view text = password.view();
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (text.ends_with('\r')) text.remove_suffix(1);
  password.shrink(text.size());
  return password;
}

std::unique_ptr<Signer> open_keystore_file(const std::string& path, ValueRef key) {
  const SecretBytes text = read_or_refuse("no-key", [&] { return read_private_file(path, kMostKeystore); });
  const SecretBytes password = read_password(key);
  try {
    return local(open_keystore(text.view(), password.view()), "the keystore " + path);
  } catch (const Refusal& why) {
    throw Refusal(why.status(), why.code(), "the keystore " + path + ": " + why.what());
  }
}

std::unique_ptr<Signer> open_remote(const std::string& path, ValueRef key) {
  const ValueRef timeout = key.find("timeout_ms");
  const auto ms = timeout ? timeout.as_int() : kTimeout;
  if (!ms || *ms < 1 || *ms > kMostTimeout) fail("\"timeout_ms\" must be 1 to 600000");
  return std::make_unique<RemoteSigner>(path, std::chrono::milliseconds(*ms));
}

void check_names(ValueRef key) {
  static constexpr std::array<std::string_view, 8> kNames = {"file",   "keystore",   "password_file", "password_fd", "password_credential",
                                                             "signer", "timeout_ms", "address"};
  if (!key.is(HEDDLE_MAP)) fail("it must be an object");
  for (size_t i = 0; i < key.size(); ++i) {
    std::string_view name;
    (void)key.at(i, &name);
    if (std::find(kNames.begin(), kNames.end(), name) == kNames.end())
      fail("it has an unknown member");  // whose name may be a secret in the wrong place
  }
}

}  // namespace

std::unique_ptr<Signer> open_signer(ValueRef key) {
  check_names(key);
  const auto file = text_in(key, "file"), keystore = text_in(key, "keystore"), remote = text_in(key, "signer"),
             address = text_in(key, "address");
  if ((file ? 1 : 0) + (keystore ? 1 : 0) + (remote ? 1 : 0) != 1)
    fail("it has \"file\", \"keystore\" or \"signer\", and only one of them");
  const std::string wanted = address ? parse_address(*address) : "";
  std::unique_ptr<Signer> signer = file ? open_key_file(*file) : keystore ? open_keystore_file(*keystore, key) : open_remote(*remote, key);
  if (address && signer->address() != wanted)
    throw Refusal(HEDDLE_INVALID, "no-key", "the key is that of " + to_hex(signer->address()) + ", and not of " + to_hex(wanted));
  return signer;
}

}  // namespace chain_evm
