// Reads: what is looked up and changes nothing: activities, workers, any function of a contract.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "failure.h"
#include "ops.h"
#include "rpc.h"
#include "settings.h"

namespace chain_evm {

// The network's thread only.
class Reads {
 public:
  Reads(const Settings& settings, Rpc& rpc, std::string account) : settings_(settings), rpc_(rpc), account_(std::move(account)), lease_s_(settings.lease_s) {}

  // All but "standing" and "transaction" (heddle/chain.h).
  void read(heddle::sdk::ValueRef question, OpPtr op);

 private:
  using Got = std::function<void(heddle::sdk::Value result, std::optional<Failure> failure)>;
  void worker(OpPtr op);
  void offer(heddle::sdk::ValueRef question, OpPtr op);
  void activity(heddle::sdk::ValueRef question, OpPtr op);
  void mine(OpPtr op);
  void call(heddle::sdk::ValueRef question, OpPtr op);
  // A function of a contract, with the arguments given as a LIST.
  void get(const std::string& contract, std::string_view function, heddle::sdk::Value args, std::string block, Got got);
  void show(heddle::sdk::Value activity, const std::string& queue, OpPtr op);
  void with_lease(const OpPtr& op, std::function<void(uint64_t lease_s)> then);

  const Settings& settings_;
  Rpc& rpc_;
  const std::string account_;      // 20 bytes, or empty
  std::optional<uint64_t> lease_s_;  // nothing: the contract has not been asked
};

}  // namespace chain_evm
