// Chain: an object of the type "evm": an account on a chain, or only the chain where there is no key.
#pragma once
#include <heddle/chain.h>
#include <heddle/draft/endpoints.h>
#include <heddle/sdk.h>

#include <functional>
#include <memory>
#include <string>

#include "ops.h"
#include "refusal.h"
#include "settings.h"

namespace chain_evm {

class Chain {
 public:
  // Throws heddle::sdk::Error.
  explicit Chain(const heddle::sdk::Config& config);
  ~Chain();
  Chain(const Chain&) = delete;
  Chain& operator=(const Chain&) = delete;

  // These block. Throws Refusal, or heddle::sdk::Error.
  void activate();
  void deactivate();

  // Any thread. These throw heddle::sdk::Error; then the op is not answered.
  void read(heddle::sdk::ValueRef question, heddle_op* op);
  void submit(std::string key, heddle::sdk::ValueRef intent, heddle_op* op);
  void events(heddle::sdk::ValueRef filter, heddle_op* op);
  void transactions(heddle::sdk::ValueRef filter, heddle_op* op);

 private:
  class Life;  // from activate to deactivate
  // On the network's thread; what it throws is the answer.
  void ask(heddle::sdk::ValueRef what, heddle_op* op, std::function<void(Life&, heddle::sdk::ValueRef, const OpPtr&)> then);
  heddle_id open_pool();

  const heddle::sdk::Host host_;
  const Settings settings_;
  const heddle_endpoints_service* const endpoints_;
  const heddle_id pool_;
  std::unique_ptr<Life> life_;
};

}  // namespace chain_evm
