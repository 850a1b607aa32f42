// Access: who may ask this host for what.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "result.h"

namespace heddle {

enum class Scope : uint8_t { kRead, kSubmit, kAdmin };
std::string_view name_of(Scope scope);

// A bearer token. Its scopes are what the configuration lists: none includes another.
struct TokenSettings {
  std::string name = {};    // shown in messages, never the secret
  std::string secret = {};
  std::vector<Scope> scopes = {};
};

// Immutable; any thread.
class Access {
 public:
  explicit Access(std::vector<TokenSettings> tokens) : tokens_(std::move(tokens)) {}
  // Without tokens everybody may do everything: a listener that others can reach is refused then (see Daemon).
  bool is_open() const { return tokens_.empty(); }
  // Errors: "unauthenticated" (no token, or none of ours), "denied" (the token has not this scope; the message names both). Every token is compared, each in
  // constant time.
  Result<void> check(std::string_view token, Scope scope) const;

 private:
  std::vector<TokenSettings> tokens_;
};

}  // namespace heddle
