// Refusal: an Error with one of the codes of heddle/chain.h.
#pragma once
#include <heddle/sdk/error.h>

#include <string>
#include <utility>

namespace chain_evm {

class Refusal : public heddle::sdk::Error {
 public:
  Refusal(heddle_status status, const char* code, std::string why) : Error(status, std::move(why)), code_(code) {}
  const char* code() const { return code_; }

 private:
  const char* code_;  // a literal
};

}  // namespace chain_evm
