// Preparation: from what a caller wants to what can be signed: which contract and data, whether it would revert, and how much gas it takes. Nothing is taken here.
#pragma once
#include <functional>
#include <optional>
#include <string>

#include "failure.h"
#include "record.h"
#include "rpc.h"
#include "settings.h"
#include "watch.h"

namespace chain_evm {

// What eth_call and eth_estimateGas take. All but `to` may be empty.
std::string call_object(std::string_view from, std::string_view to, const Amount& value, std::string_view data);

// The network's thread only.
class Preparation {
 public:
  static constexpr size_t kMostData = size_t{256} << 10;
  using Prepared = std::function<void(Intent intent, std::optional<Failure> failure)>;

  Preparation(const Settings& settings, Rpc& rpc, const Watch& watch, std::string account) : settings_(settings), rpc_(rpc), watch_(watch), account_(std::move(account)) {}

  // As submit has it (heddle/chain.h). Throws heddle::sdk::Error (INVALID).
  Intent read(const std::string& key, heddle::sdk::ValueRef intent) const;
  // `prepared`: once.
  void prepare(Intent intent, Prepared prepared);

 private:
  struct Work {
    Intent intent;
    Prepared prepared;
  };
  using WorkPtr = std::shared_ptr<Work>;
  void ask(const WorkPtr& work, size_t endpoint);
  void heard(const WorkPtr& work, const Answer& answer, size_t endpoint);
  void reverted(const WorkPtr& work, const NodeError& error);

  const Settings& settings_;
  Rpc& rpc_;
  const Watch& watch_;
  const std::string account_;
};

}  // namespace chain_evm
