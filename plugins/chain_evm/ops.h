// Ops: the answers that are owed. Each is given once, whatever comes first: the answer, its caller's farewell, or the end of the object.
#pragma once
#include <heddle/sdk.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "failure.h"

namespace chain_evm {

// Any thread.
class Op {
 public:
  explicit Op(heddle_op* op) : op_(op) {}
  void ok(heddle::sdk::Value value) {
    if (!is_over_.exchange(true)) heddle::sdk::detail::services.op->complete(op_, HEDDLE_OK, value.release(), {});
  }
  void fail(const Failure& why) {
    if (is_over_.exchange(true)) return;
    heddle::sdk::Value details;
    heddle::sdk::detail::guard([&] { details = why.details(); }, [](heddle_status, std::string_view) {});
    heddle::sdk::detail::services.op->complete(op_, why.status, details.release(), heddle::sdk::detail::to_str(why.why));
  }
  void cancel() { fail({.status = HEDDLE_CANCELLED, .code = {}, .why = "it is no longer wanted"}); }
  bool is_over() const { return is_over_; }
  // Only while it is not over.
  bool is_unwanted() const { return heddle::sdk::detail::services.op->is_cancelled(op_); }

 private:
  heddle_op* const op_;
  std::atomic<bool> is_over_{false};
};
using OpPtr = std::shared_ptr<Op>;

class Ops {
 public:
  OpPtr open(heddle_op* op) {
    auto made = std::make_shared<Op>(op);
    std::lock_guard lock(mutex_);
    all_.push_back(made);
    return made;
  }
  // Cancels what nobody wants any more. True if anything is left. One thread at a time, and the only one that answers.
  bool sweep() {
    std::vector<OpPtr> all;
    {
      std::lock_guard lock(mutex_);
      std::erase_if(all_, [](const OpPtr& op) { return op->is_over(); });
      all = all_;
    }
    for (const OpPtr& op : all)
      if (!op->is_over() && op->is_unwanted()) op->cancel();
    return !all.empty();
  }
  void cancel_all() {
    std::vector<OpPtr> all;
    {
      std::lock_guard lock(mutex_);
      all.swap(all_);
    }
    for (const OpPtr& op : all) op->cancel();
  }

 private:
  std::mutex mutex_;
  std::vector<OpPtr> all_;  // guarded by mutex_
};

}  // namespace chain_evm
