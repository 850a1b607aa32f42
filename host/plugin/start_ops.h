// StartOps: the pending answers of one object of a plugin: as many as were ever open at the same time, used again. None goes before the object, so that a second completion is noticed.
#pragma once
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "plugin/call.h"

namespace heddle {

// Any thread.
class StartOps {
 public:
  // `fault`: of what a plugin does against the rules of an op.
  explicit StartOps(StartOp::Fault fault) : fault_(std::move(fault)) {}

  heddle_op* open(StartOp::Done done) {
    StartOp* op;
    {
      std::lock_guard lock(mutex_);
      if (free_.empty()) {
        op = all_.emplace_back(std::make_unique<StartOp>(nullptr)).get();
        op->on_fault(fault_);
      } else {
        op = free_.back();
        free_.pop_back();
      }
    }
    op->reopen([this, op, done = std::move(done)](Result<Value> outcome) {
      {
        std::lock_guard lock(mutex_);
        free_.push_back(op);
      }
      done(std::move(outcome));
    });
    return op->handle();
  }
  // For an answer that is only yes or no.
  heddle_op* open_plain(std::function<void(Result<void>)> done) {
    return open([done = std::move(done)](Result<Value> outcome) {
      if (outcome) done({});
      else done(std::move(outcome).error());
    });
  }

 private:
  const StartOp::Fault fault_;
  std::mutex mutex_;
  // Guarded by mutex_:
  std::vector<std::unique_ptr<StartOp>> all_;
  std::vector<StartOp*> free_;  // those that are answered
};

}  // namespace heddle
