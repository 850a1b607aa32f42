// Link: a node's way to the chain that its params name.
#pragma once
#include <heddle/draft/chains.h>
#include <heddle/sdk.h>

#include <string>

namespace node_chain {

// Not copied. Threads: as the functions of heddle.chains/1.
class Link {
 public:
  // From "chain" and "chain_params". The chain is open from open() to close().
  explicit Link(const heddle::sdk::Config& config);
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  // Throws Error with the chain's reason.
  void open();
  // When it returns nothing more is heard.
  void close();

  // The JSON Pointer that the manifest calls the node's idempotency_key; empty: none.
  std::string idempotency_key() const;

  heddle_id read(heddle::sdk::ValueRef question, heddle_chain_answered answered, void* ctx) const { return chains_->read(host_.get(), chain_, question.get(), answered, ctx); }
  heddle_id submit(std::string_view key, heddle::sdk::ValueRef intent, heddle_chain_answered answered, void* ctx) const {
    return chains_->submit(host_.get(), chain_, {key.data(), key.size()}, intent.get(), answered, ctx);
  }
  heddle_id events(heddle::sdk::ValueRef filter, heddle_chain_answered answered, void* ctx) const { return chains_->events(host_.get(), chain_, filter.get(), answered, ctx); }
  void cancel(heddle_id asked) const { chains_->cancel(host_.get(), asked); }

 private:
  const heddle::sdk::Host host_;
  const heddle::sdk::Value options_;
  const heddle_chains_service* const chains_;
  heddle_id chain_ = 0;
};

}  // namespace node_chain

// The params of every type here.
#define NODE_CHAIN_PARAMS                                                                                                                            \
  R"("chain":{"type":"string","minLength":1,"default":"evm","description":"The kind of chain: any installed one."},)"                               \
  R"("chain_params":{"type":"object","description":"What the chain takes: its endpoints, the account's key, the contracts; heddle inspect shows it. Nodes with the same have the same account."},)"
