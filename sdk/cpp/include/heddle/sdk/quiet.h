// SPDX-License-Identifier: Apache-2.0
//
// Threads of a plugin that take no signals: those are the host's, and a broken connection is an error there, not a SIGPIPE. Not in sdk.h: include it where it is wanted.
#pragma once
#include <signal.h>

#include <thread>
#include <utility>

namespace heddle::sdk {

// While it lives, threads that this one makes take none, nor does this one: for libraries that make threads of their own, too.
class BlockSignals {
 public:
  BlockSignals() {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~BlockSignals() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  BlockSignals(const BlockSignals&) = delete;
  BlockSignals& operator=(const BlockSignals&) = delete;

 private:
  sigset_t before_;
};

// Throws std::system_error where none is to be had.
template <class Fn>
std::thread quiet_thread(Fn&& fn) {
  const BlockSignals blocked;
  return std::thread(std::forward<Fn>(fn));
}

}  // namespace heddle::sdk
