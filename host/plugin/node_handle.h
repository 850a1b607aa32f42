// NodeHandle: one node object of a plugin, from create to destroy.
#pragma once
#include <heddle/node.h>
#include <heddle/state.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "lanes/lanes.h"
#include "plugin/call.h"
#include "plugin/catalog.h"
#include "plugin/chain_table.h"
#include "plugin/host_table.h"
#include "plugin/last_words.h"
#include "plugin/library.h"
#include "plugin/peer_table.h"
#include "plugin/sidecar_table.h"
#include "result.h"
#include "value/value.h"

namespace heddle {

// What a node reaches others with.
struct NodeAccess {
  PeerAccess peers = {};
  SidecarAccess sidecars = {};
  ChainAccess chains = {};
};

class NodeHandle {
 public:
  // [setup] Loads the plugin if need be and creates the object. The error names the plugin, the type and its reason. `access`: whom it may call, and have work done by.
  static Result<std::unique_ptr<NodeHandle>> create(const CatalogEntry& entry, const std::string& node_id, const Value& params, Lanes* lanes,
                                                    LaneId lane, NodeAccess access = {});
  ~NodeHandle();  // destroy, unless abandoned
  NodeHandle(const NodeHandle&) = delete;
  NodeHandle& operator=(const NodeHandle&) = delete;

  // [start] Calls activate; `done` gets the outcome once, on any thread, perhaps before this returns.
  using Done = std::function<void(Result<void>)>;
  void activate(Done done);
  void deactivate(Done done);
  // [any] The groups of workers that it has open.
  std::vector<std::shared_ptr<const WorkerGroup>> worker_groups() const;
  bool has_activate() const { return table_->base.activate != nullptr; }
  bool has_deactivate() const { return table_->base.deactivate != nullptr; }

  // heddle.state/1, if the type has it.
  bool keeps_state() const { return state_ != nullptr; }
  Value save();                           // empty: nothing to keep
  Result<void> restore(const Value& saved);

  // [start] The manifests that it has run elsewhere, as heddle/draft/sources.h says; empty: it does not tell. May block.
  Result<Value> sources();

  // [lane] On an entered batch.
  void process(CallBatch& batch) {
    last_words::inside("process", subject_.c_str(), [&] { table_->process(self_, batch.handles(), batch.count()); });
  }
  void resume(CallBatch& batch, uint32_t index, uint32_t port);
  void finish(CallBatch& batch) {
    last_words::inside("finish", subject_.c_str(), [&] { table_->finish(self_, batch.handle(0)); });
  }
  bool has_finish() const { return HEDDLE_HAS(table_, finish); }
  bool has_resume() const { return HEDDLE_HAS(table_, resume); }
  // [any] Hints the node that nobody waits for the open calls of the batch.
  void cancel(CallBatch& batch);

  // A thread hangs inside this object: it is never deactivated nor destroyed.
  void abandon() { abandoned_ = true; }
  bool is_abandoned() const { return abandoned_; }
  const std::string& plugin_name() const { return library_->descriptor().name; }

 private:
  NodeHandle() = default;
  heddle_op* start(Done done);
  Library* library_ = nullptr;
  std::string subject_;  // for messages: `node "x" (Echo of plugin node_std)`
  std::string blame_;    // `plugin node_std broke the contract: node "x" (Echo) `
  std::unique_ptr<PeerTable> peers_;        // null: it calls nobody
  std::unique_ptr<SidecarTable> sidecars_;  // null: it has no workers
  std::unique_ptr<ChainTable> chains_;      // null: it has no chains
  std::unique_ptr<HostTable> host_;
  void* self_ = nullptr;
  const heddle_node* table_ = nullptr;
  const heddle_state* state_ = nullptr;
  std::vector<std::unique_ptr<StartOp>> starts_;  // kept, so that a second completion finds them
  std::atomic<bool> abandoned_{false};
};

}  // namespace heddle
