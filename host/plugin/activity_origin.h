// ActivityOrigin: the activity of a chain that a run is made for: the first that a node has a worker do in it goes by its name.
#pragma once
#include <atomic>
#include <cstdint>
#include <string>
#include <utility>

namespace heddle {

struct ActivityOrigin {
  ActivityOrigin(std::string activity_, std::string run_, std::string workflow_, std::string checkpoint_, uint64_t deadline_ns_, uint32_t priority_, bool preemptible_)
      : activity(std::move(activity_)), run(std::move(run_)), workflow(std::move(workflow_)), checkpoint(std::move(checkpoint_)), deadline_ns(deadline_ns_), priority(priority_),
        preemptible(preemptible_) {}
  const std::string activity, run, workflow, checkpoint;  // `run` comes before the runs of the worker's
  const uint64_t deadline_ns;                             // CLOCK_MONOTONIC; 0: none
  const uint32_t priority;                                // of its lane: it goes before that of the node's
  const bool preemptible;                                 // the lane is
  std::atomic<uint64_t> given{0};                         // to how many it was
};

}  // namespace heddle
