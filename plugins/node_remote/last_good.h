// LastGood: what came of the last item that went well, for one that fails.
#pragma once
#include <heddle/sdk.h>

#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace node_remote {

// Any thread.
class LastGood {
 public:
  using Results = std::vector<heddle::sdk::Value>;
  static constexpr size_t kMost = 64;  // results of an item; one with more is not kept

  void keep(Results results) {
    if (results.size() > kMost) return;
    std::lock_guard lock(mutex_);
    results_ = std::move(results);
  }
  // None: nothing has gone well so far.
  std::optional<Results> results() {
    std::lock_guard lock(mutex_);
    return results_;
  }

 private:
  std::mutex mutex_;
  std::optional<Results> results_;  // guarded by mutex_
};

}  // namespace node_remote
