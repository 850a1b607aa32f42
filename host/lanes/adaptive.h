// A mutex that is held for a moment only, by threads on several cores: who finds it taken spins for some hundred cycles before it sleeps. Sleeping and being woken costs a thousand times as much
// as what the lock is for.
#pragma once
#include <pthread.h>

#include <mutex>

namespace heddle {

// A std::mutex of glibc's adaptive kind; everything else is as usual.
struct AdaptiveMutex : std::mutex {
  AdaptiveMutex() {
    pthread_mutexattr_t kind;
    pthread_mutexattr_init(&kind);
    pthread_mutexattr_settype(&kind, PTHREAD_MUTEX_ADAPTIVE_NP);
    pthread_mutex_init(native_handle(), &kind);
    pthread_mutexattr_destroy(&kind);
  }
};

}  // namespace heddle
