// Accounts: which account of which chain an object of this process has: two that count its numbers would each spoil the other's.
#pragma once
#include <cstdint>
#include <mutex>
#include <set>
#include <string>
#include <utility>

#include "hex.h"
#include "refusal.h"

namespace chain_evm {

// Has it as long as it lives.
class AccountClaim {
 public:
  // Throws Refusal ("in-use").
  AccountClaim(uint64_t chain_id, const std::string& account) : what_(chain_id, account) {
    std::lock_guard lock(mutex_);
    if (!taken_.insert(what_).second)
      throw Refusal(HEDDLE_CONFLICT, "in-use", "the account " + to_hex(account) + " on the chain " + std::to_string(chain_id) + " is in use by another object of this process");
  }
  ~AccountClaim() {
    std::lock_guard lock(mutex_);
    taken_.erase(what_);
  }
  AccountClaim(const AccountClaim&) = delete;
  AccountClaim& operator=(const AccountClaim&) = delete;

 private:
  using What = std::pair<uint64_t, std::string>;
  inline static std::mutex mutex_;
  inline static std::set<What> taken_;  // guarded by mutex_
  const What what_;
};

}  // namespace chain_evm
