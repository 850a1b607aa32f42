// Signer: who signs for the account. Its key never leaves it.
#pragma once
#include <heddle/sdk/value.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <variant>

#include "refusal.h"
#include "transaction.h"

namespace chain_evm {

class Signer {
 public:
  using Outcome = std::variant<Signature, Refusal>;
  using Signed = std::function<void(Outcome)>;
  virtual ~Signer() = default;  // what is open is answered as CANCELLED before it returns

  // 20 bytes.
  virtual const std::string& address() const = 0;
  // Any thread; never blocks. Answers once: a local signer before it returns, a remote one later, on a thread of its own. The answer must
  // neither block nor destroy the signer. A Refusal is "unavailable" (UNAVAILABLE: nobody signs now: ask again), "refused" (DENIED: the
  // remote signer will not), "full" (EXHAUSTED: ask again) or "cancelled" (CANCELLED).
  virtual void sign(const Transaction& transaction, Signed then) = 0;
};

// `key`: the param "key", a MAP:
//   "file"      path of a file with the key: 64 hex digits, with or without "0x"; or
//   "keystore"  path of a file of the Web3 Secret Storage, version 3, and one of
//                 "password_file"        path
//                 "password_fd"          number of an open file descriptor, which is read to its end, once, and closed
//                 "password_credential"  name in $CREDENTIALS_DIRECTORY, as systemd gives them; or
//   "signer"    path of the Unix socket of a remote signer (README.md), and perhaps "timeout_ms" (default 5000)
// and perhaps "address": whose key it must be. Files must be regular, ours, and closed to others: mode 0600 or 0400.
// Blocks: reads files, derives keys, asks the remote signer for its address. Throws Refusal ("no-key", "bad-password", "unavailable"), or
// heddle::sdk::Error (INVALID) if `key` is none of the above.
std::unique_ptr<Signer> open_signer(heddle::sdk::ValueRef key);

}  // namespace chain_evm
