#include "failure.h"

#include <array>
#include <span>
#include <utility>
#include <vector>

namespace node_chain {
namespace {

using namespace heddle::sdk;

constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kNames = {{
    {"refused", "ChainRefused"},
    {"reverted", "ChainReverted"},
    {"invalid", "ChainInvalid"},
    {"too-late", "ChainTooLate"},
    {"unavailable", "ChainUnavailable"},
    {"balance", "ChainBalance"},
    {"ceiling", "ChainCeiling"},
    {"full", "ChainFull"},
    {"no-key", "ChainNoKey"},
}};

}  // namespace

std::string_view code_of(std::string_view code) {
  for (const auto& [said, name] : kNames)
    if (said == code) return name;
  return "ChainFailed";
}

Value details_of(ValueRef failure) {
  std::vector<Value::Entry> details = {{"code", Value::string(code_of(failure.find("code").as_text().value_or("")))}};
  for (const char* name : {"reason", "needs", "has"})
    if (const ValueRef found = failure.find(name)) details.push_back({name, Value::share(found)});
  return Value::map(std::span(details));
}

Value details_of_bad_item() { return Value::map({{"code", Value::string("ChainInvalid")}}); }

}  // namespace node_chain
