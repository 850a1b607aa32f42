#include "link.h"

#include <span>
#include <vector>

namespace node_chain {
namespace {

using namespace heddle::sdk;

Value read_options(const Config& config) {
  std::vector<Value::Entry> options = {{"chain", Value::string(config.get<std::string>("chain", "evm"))}};
  if (const ValueRef params = config.find("chain_params")) options.push_back({"params", Value::share(params)});
  return Value::map(std::span(options));
}

}  // namespace

Link::Link(const Config& config) : host_(config.host()), options_(read_options(config)), chains_(host_.service<heddle_chains_service>(HEDDLE_CHAINS)) {}

void Link::open() {
  if (!chains_) throw Error(HEDDLE_UNSUPPORTED, "this host has no chains: it has no " HEDDLE_CHAINS);
  heddle_value* why = nullptr;
  chain_ = chains_->open(host_.get(), options_.get(), &why);
  const Value reason = Value::adopt(why);
  if (chain_ == 0) throw Error(HEDDLE_INVALID, std::string(reason.find("message").as_text().value_or("the chain cannot be had")));
}

void Link::close() {
  if (chain_ != 0) chains_->close(host_.get(), chain_);
  chain_ = 0;
}

std::string Link::idempotency_key() const {
  if (!HEDDLE_HAS(chains_, idempotency_key)) return "";
  const heddle_str pointer = chains_->idempotency_key(host_.get());
  return {pointer.ptr, pointer.len};
}

}  // namespace node_chain
