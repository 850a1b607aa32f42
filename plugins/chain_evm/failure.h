// Failure: why there is no answer, with what heddle/chain.h says beside it.
#pragma once
#include <heddle/abi.h>
#include <heddle/sdk/value.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace chain_evm {

struct Failure {
  heddle_status status = HEDDLE_INTERNAL;
  std::string code = {};  // empty: none
  std::string why = {};
  std::vector<std::pair<std::string, heddle::sdk::Value>> more = {};  // beside the code

  heddle::sdk::Value details() const {
    std::vector<heddle::sdk::Value::Entry> entries;
    if (!code.empty()) entries.push_back({"code", heddle::sdk::Value::string(code)});
    for (const auto& [key, value] : more) entries.push_back({key, value});
    return heddle::sdk::Value::map(entries);
  }
};

inline Failure unavailable(std::string why) { return {.status = HEDDLE_UNAVAILABLE, .code = "unavailable", .why = std::move(why)}; }
inline Failure invalid(std::string why) { return {.status = HEDDLE_INVALID, .code = "invalid", .why = std::move(why)}; }

}  // namespace chain_evm
