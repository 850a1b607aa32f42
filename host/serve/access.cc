#include "serve/access.h"

#include <algorithm>

namespace heddle {
namespace {

// Looks at every byte of `given`, wherever the first difference is. Volatile: the compiler must not make it stop early.
bool is_same(std::string_view given, std::string_view secret) {
  if (secret.empty()) return false;  // of the configuration: nothing that a peer could time
  volatile unsigned difference = given.size() == secret.size() ? 0 : 1;
  size_t j = 0;
  for (const char c : given) {
    difference = difference | static_cast<unsigned>(static_cast<unsigned char>(c) ^ static_cast<unsigned char>(secret[j]));
    j = j + 1 < secret.size() ? j + 1 : 0;
  }
  return difference == 0;
}

Error stranger(std::string_view token) {
  if (token.empty()) return Error("unauthenticated", "this host wants a token: send \"Authorization: Bearer …\"");
  return Error("unauthenticated", "the token is not one of this host's");
}

}  // namespace

std::string_view name_of(Scope scope) {
  static constexpr std::string_view kNames[] = {"read", "submit", "admin"};
  return kNames[static_cast<size_t>(scope)];
}

const TokenSettings* Access::find(std::string_view token) const {
  const TokenSettings* found = nullptr;
  for (const TokenSettings& mine : tokens_) {
    if (is_same(token, mine.secret)) found = &mine;  // goes on: all are compared
  }
  return found;
}

bool Access::is_open(std::string_view operation) const { return is_open() || std::find(open_.begin(), open_.end(), operation) != open_.end(); }

Result<void> Access::check(std::string_view token) const {
  if (is_open() || find(token)) return {};
  return stranger(token);
}

Result<void> Access::check(std::string_view token, Scope scope) const {
  if (is_open()) return {};
  const TokenSettings* const found = find(token);
  if (!found) return stranger(token);
  if (std::find(found->scopes.begin(), found->scopes.end(), scope) != found->scopes.end()) return {};
  std::string has;
  for (const Scope one : found->scopes) has.append(has.empty() ? "" : ", ").append(name_of(one));
  return Error("denied", "this needs the scope \"" + std::string(name_of(scope)) + "\"; the token \"" + found->name + "\" has " + (has.empty() ? "none" : has));
}

}  // namespace heddle
