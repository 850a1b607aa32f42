// What the operations of Control share.
#pragma once
#include <atomic>
#include <memory>
#include <mutex>

#include "lanes/errands.h"
#include "serve/control.h"
#include "serve/event_stream.h"
#include "serve/job_waits.h"
#include "serve/patience.h"

namespace heddle {

struct Control::State : std::enable_shared_from_this<Control::State> {
  State(Host h, std::shared_ptr<const Access> a);

  std::shared_ptr<const Access> access() const {
    std::lock_guard lock(mutex_);
    return access_;
  }
  void set_access(std::shared_ptr<const Access> access) {
    std::lock_guard lock(mutex_);
    access_ = std::move(access);
  }

  const Host host;
  std::atomic<bool> reloading{false};
  Patience patience{5 * kNsPerMs};  // of results that gather
  Errands errands;
  JobWaits waits;
  EventStreams streams;

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const Access> access_;  // guarded by mutex_
};

// How an error of the host is told to a peer.
heddle_status status_of(const Error& error);
void refuse(Request& request, const Error& error);

}  // namespace heddle
