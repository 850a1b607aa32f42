// The life of a run's node objects: create, restore, activate; then save, deactivate, destroy.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "lanes/lanes.h"
#include "pipeline/pipeline.h"
#include "plugin/node_handle.h"
#include "result.h"

namespace heddle {

class Activation {
 public:
  Activation(const Pipeline& pipeline, Lanes& lanes, std::string state_dir) : pipeline_(pipeline), lanes_(lanes), state_dir_(std::move(state_dir)) {}
  // Deactivates what is still active, in reverse order, and destroys everything.
  ~Activation();

  // An activate that has not answered after this time has failed.
  static constexpr uint64_t kActivateTimeoutMs = 120'000;

  // Creates all nodes, then activates them: each after all those before it in the DAG, independent ones at once. On failure nothing stays active.
  Result<void> open();
  // After an open() that failed: the node that could not be created; null where it was something else.
  const PipelineNode* refused_node() const { return refused_node_; }
  // Saves the kept states, deactivates in reverse topological order, and destroys. What went wrong is said in `warnings`; it stops nothing. `save`: not after a failed run.
  void close(bool save, std::vector<std::string>& warnings);

  std::shared_ptr<NodeHandle> handle(uint32_t node) const { return handles_[node]; }
  // One more object for a node, active, in place of one that hangs; the old one is never touched again. [any, one call per node at a time]
  Result<std::shared_ptr<NodeHandle>> remake(uint32_t node);

 private:
  Result<std::shared_ptr<NodeHandle>> create(uint32_t node);
  Result<void> restore(uint32_t node);
  Result<void> activate_level(const std::vector<uint32_t>& level);
  std::vector<std::vector<uint32_t>> levels() const;

  const Pipeline& pipeline_;
  Lanes& lanes_;
  const std::string state_dir_;
  std::vector<std::shared_ptr<NodeHandle>> handles_;  // by node; null for standby ones
  const PipelineNode* refused_node_ = nullptr;
  std::vector<uint32_t> active_;                      // in the order of activation
};

}  // namespace heddle
