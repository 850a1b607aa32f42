// Access: who may ask this host for what.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
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
  bool operator==(const TokenSettings&) const = default;
};

// Immutable; any thread.
class Access {
 public:
  // `open`: names of operations that need no token ("health").
  explicit Access(std::vector<TokenSettings> tokens, std::vector<std::string> open = {}) : tokens_(std::move(tokens)), open_(std::move(open)) {}
  // Without tokens everybody may do everything: a listener that others can reach is refused then (see Daemon).
  bool is_open() const { return tokens_.empty(); }
  bool is_open(std::string_view operation) const;
  // Errors: "unauthenticated" (no token, or none of ours), "denied" (the token has not this scope; the message names both). Every token is compared, in a time that
  // depends on the length of the given one alone.
  Result<void> check(std::string_view token, Scope scope) const;
  // Whether it is a token of ours, whatever its scopes.
  Result<void> check(std::string_view token) const;

 private:
  const TokenSettings* find(std::string_view token) const;
  std::vector<TokenSettings> tokens_;
  std::vector<std::string> open_;
};

}  // namespace heddle
