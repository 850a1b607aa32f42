// PostedWork: the functions that one owner (a node) has posted to the scheduler, now or for later: what heddle.sched/1 stands on.
//
// One of them runs at a time, so that a node of any declared concurrency may share its state between them without a lock.
#pragma once
#include <heddle/sched.h>

#include <memory>
#include <string>

#include "lanes/lanes.h"

namespace heddle {

class PostedWork {
 public:
  // `lanes` outlives this object.
  // `subject` names the owner in messages: `node "x"`.
  PostedWork(Lanes& lanes, LaneId lane, std::string subject);
  ~PostedWork();  // stop()
  PostedWork(const PostedWork&) = delete;
  PostedWork& operator=(const PostedWork&) = delete;

  static constexpr size_t kMaxOutstanding = 65'536;

  // [any] Waits for the function that runs and drops those that wait: none is called after it, and nothing more is taken in. Not from
  // inside one of them.
  void stop();

  // [any] False: kMaxOutstanding functions are outstanding, or it was stopped.
  bool post(heddle_job_fn fn, void* ctx);
  // [any] 0: the same.
  heddle_id after(uint64_t delay_ns, heddle_job_fn fn, void* ctx);
  // [any] True: the function of this id will not run.
  bool cancel(heddle_id id);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace heddle
