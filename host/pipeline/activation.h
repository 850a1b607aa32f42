// The life of a run's node objects: create, restore, activate; then save, deactivate, destroy. Nothing here waits.
#pragma once
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "lanes/lanes.h"
#include "pipeline/pipeline.h"
#include "plugin/node_handle.h"
#include "result.h"

namespace heddle {

class Activation {
 public:
  // `limit_ms`: what an activate or deactivate may take. `access`: with what nodes reach others.
  Activation(const Pipeline& pipeline, Lanes& lanes, NodeAccess access, std::string state_dir, uint64_t limit_ms)
      : pipeline_(pipeline), lanes_(lanes), access_(std::move(access)), state_dir_(std::move(state_dir)), limit_ms_(limit_ms) {}

  using Opened = std::function<void(Result<void>)>;
  using Closed = std::function<void(std::vector<std::string> warnings)>;
  using Remade = std::function<void(Result<std::shared_ptr<NodeHandle>>)>;

  // Creates all nodes, here, then activates each after all those before it in the DAG. `opened` is called once: here where no node has anything to
  // activate, else on a worker. On failure nothing is left by then.
  void open(Opened opened);
  // After an open() that failed: the node that could not be created; null where it was something else.
  const PipelineNode* refused_node() const { return refused_node_; }
  // After an open() that went well, once. Saves the kept states, deactivates in reverse order of activation, and destroys. What went wrong is said in
  // `warnings`; it stops nothing. `save`: not after a failed run. `closed` is called as `opened` is, and this may be gone afterwards.
  void close(bool save, Closed closed);

  std::shared_ptr<NodeHandle> handle(uint32_t node) const { return handles_[node]; }
  // [any] Of all of them: the groups of workers that they have open.
  std::vector<std::shared_ptr<const WorkerGroup>> worker_groups() const;
  // One more object for a node, active, in place of one that hangs; the old one is never touched again. [any, one call per node at a time, not during close]
  void remake(uint32_t node, Remade remade);

 private:
  Result<std::shared_ptr<NodeHandle>> create(uint32_t node);
  Result<void> create_all();
  Result<void> restore(uint32_t node);
  void post_activate(uint32_t node, const std::shared_ptr<NodeHandle>& handle, std::function<void(Result<void>)> done);
  void begin(std::vector<uint32_t> ready);
  void add_active(uint32_t node, std::vector<uint32_t>& ready);
  void note_failure(Error why);
  void end_one();
  void save_states();
  void deactivate_next();

  const Pipeline& pipeline_;
  Lanes& lanes_;
  const NodeAccess access_;  // but for what differs from node to node
  const std::string state_dir_;
  const uint64_t limit_ms_;
  std::vector<std::shared_ptr<NodeHandle>> handles_;  // by node; null for standby ones
  const PipelineNode* refused_node_ = nullptr;
  std::vector<std::vector<uint32_t>> followers_;      // by node
  std::vector<std::string> warnings_;
  Closed closed_;

  std::mutex mutex_;
  // Guarded by mutex_ while it opens:
  Opened opened_;
  size_t under_way_ = 0;              // who may still begin an activate or wait for one
  std::vector<uint32_t> waits_for_;   // by node: how many before it are not active
  std::vector<uint32_t> active_;      // in the order of activation
  Result<void> failed_;               // the first failure
};

}  // namespace heddle
