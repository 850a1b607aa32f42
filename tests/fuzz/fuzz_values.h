// The values of a host without a host, for what a plugin reads.
#pragma once
#include <heddle/sdk/fake_host.h>
#include <heddle/sdk/host.h>

namespace heddle {

// Once, before the first input.
inline void make_values() {
  static const heddle_entry entry = {sizeof(heddle_entry), HEDDLE_ABI_MINOR, &sdk::detail::init, nullptr, nullptr};
  static const sdk::FakeHost host(entry);
}

}  // namespace heddle
