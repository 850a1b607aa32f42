// A thread that takes no signals: those are the host's, and a broken connection is an error here, not a SIGPIPE.
#pragma once
#include <signal.h>

#include <thread>
#include <utility>

namespace chain_evm {

struct BlockSignals {
  BlockSignals() {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
  }
  ~BlockSignals() { ::pthread_sigmask(SIG_SETMASK, &before, nullptr); }
  BlockSignals(const BlockSignals&) = delete;
  BlockSignals& operator=(const BlockSignals&) = delete;
  sigset_t before;
};

// Throws std::system_error where none is to be had.
template <class Fn>
std::thread quiet_thread(Fn&& fn) {
  const BlockSignals blocked;
  return std::thread(std::forward<Fn>(fn));
}

}  // namespace chain_evm
