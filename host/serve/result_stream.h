// Results of a pipeline for a peer: each as a line, as soon as it is there; and an execution that ends when nobody waits for it any more.
#pragma once
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "plugin/request.h"
#include "serve/execution.h"

namespace heddle {

// An execution that may be given up before it has begun. Any thread.
class GivenUp {
 public:
  void watch(const std::shared_ptr<Execution>& execution);
  void give_up();

 private:
  std::mutex mutex_;
  // Guarded by mutex_:
  std::weak_ptr<Execution> execution_;
  bool given_up_ = false;
};

// [any] Answers `request` with {"output": …} or {"failed": …} a line. If the run as a whole fails, that is the last line, and the answer breaks off. A peer that leaves more
// unread than is kept for it is given up, and the execution with it.
void stream_results(Admitted admitted, Lanes& lanes, std::vector<Value> items, Request request);

}  // namespace heddle
