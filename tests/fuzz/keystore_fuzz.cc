// Any bytes as a keystore, and as the answer of a remote signer: a key or a refusal, within the limits of memory and work; and no message
// shows the password.
#include <cstdint>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>

#include "fuzz_values.h"
#include "plugins/chain_evm/keystore.h"
#include "plugins/chain_evm/refusal.h"
#include "plugins/chain_evm/remote_signer.h"

namespace {

constexpr std::string_view kPassword = "a password that is in no input";

template <class Fn>
void unless_refused(Fn&& fn) {
  try {
    fn();
  } catch (const chain_evm::Refusal& why) {
    if (std::string_view(why.what()).find(kPassword) != std::string_view::npos) std::abort();
  } catch (const std::runtime_error&) {
    // An answer that is none.
  }
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  heddle::make_values();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (text.find(kPassword) != text.npos) return 0;  // the fuzzer has found it: a signer's own words are shown
  const chain_evm::KeystoreLimits limits{.memory = 1 << 16, .blocks = 1 << 9, .rounds = 100};
  unless_refused([&] {
    if (chain_evm::open_keystore(text, kPassword, limits).size() != 32) std::abort();
  });
  unless_refused([&] {
    if (chain_evm::address_in(text).size() != 20) std::abort();
  });
  unless_refused([&] {
    if (chain_evm::signature_in(text).y_parity > 1) std::abort();
  });
  return 0;
}
