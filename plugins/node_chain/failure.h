// What failures of a chain are called in error items and dead letters.
#pragma once
#include <heddle/sdk.h>

#include <string_view>

namespace node_chain {

// "refused", as a chain says it → "ChainRefused".
std::string_view code_of(std::string_view code);

// The details of a failure: "code", and what the chain says of it: "reason", "needs", "has".
heddle::sdk::Value details_of(heddle::sdk::ValueRef failure);

// Of an item that nobody can make a question of.
heddle::sdk::Value details_of_bad_item();

}  // namespace node_chain
