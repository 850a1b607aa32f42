// JobWaits: requests that wait for jobs. Each is answered when its job is over, or when its time has passed with the job as it is then.
#pragma once
#include <cstdint>
#include <memory>

#include "lanes/errands.h"
#include "lanes/jobs.h"
#include "plugin/request.h"

namespace heddle {

class JobWaits {
 public:
  // Both outlive it.
  JobWaits(Jobs& jobs, Errands& errands);
  ~JobWaits();  // close()
  JobWaits(const JobWaits&) = delete;
  JobWaits& operator=(const JobWaits&) = delete;

  // [any] Never blocks. `is_new`: of a job that this request submitted; where it is not over, the answer says that it was accepted.
  void wait(JobId id, uint64_t timeout_ms, Request request, bool is_new = false);
  // [any] Answers all with the jobs as they are; from here on nobody waits.
  void close();

 private:
  struct State;
  const std::shared_ptr<State> state_;
};

}  // namespace heddle
