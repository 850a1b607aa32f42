// The values of a host without a host, for unit tests of this folder.
#pragma once
#include <heddle/sdk/fake_host.h>
#include <heddle/sdk/host.h>
#include <heddle/sdk/value.h>

#include <string>
#include <string_view>

namespace chain_evm {

inline const heddle_entry kTestEntry = {sizeof(heddle_entry), HEDDLE_ABI_MINOR, &heddle::sdk::detail::init, nullptr, nullptr};

struct TestValues {
  heddle::sdk::FakeHost host{kTestEntry};
};

inline heddle::sdk::Value json(std::string_view text) { return heddle::sdk::Value::parse(text); }
inline std::string json_of(heddle::sdk::ValueRef value) { return std::string(value.json()); }

// What `fn` throws, as its text; "" if it does not.
template <class Fn>
std::string why_not(Fn&& fn) {
  try {
    fn();
  } catch (const heddle::sdk::Error& why) {
    return why.what();
  }
  return {};
}

}  // namespace chain_evm
