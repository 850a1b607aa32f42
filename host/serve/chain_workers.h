// ChainWorkers: the workers among the served pipelines: each is started, tried again while it cannot be, and replaced when its manifest changes. A thread of its own does that, for it waits for chains
// and sidecars.
#pragma once
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "chain/chain_worker.h"
#include "serve/served_pipelines.h"

namespace heddle {

class ChainWorkers {
 public:
  struct Parts {
    Lanes* lanes = nullptr;
    Jobs* jobs = nullptr;
    Outside* outside = nullptr;
    StoreHandle* store = nullptr;  // null: there is none, and no worker starts
    std::string state_dir = {};
  };
  explicit ChainWorkers(Parts parts) : parts_(std::move(parts)) {}
  ~ChainWorkers() { stop(0); }
  ChainWorkers(const ChainWorkers&) = delete;
  ChainWorkers& operator=(const ChainWorkers&) = delete;

  // [any] Those of these that have a worker, from here on. One whose pipeline is no longer the same object is drained and started anew.
  void use(const std::vector<ServedPipelinePtr>& pipelines);
  // [setup] Once. Drains all of them.
  void stop(uint64_t drain_ms);

  struct Standing {
    std::string name;
    std::shared_ptr<ChainWorker> worker;  // null: it does not work
    std::string why = {};                 // it does not
  };
  // [any] By name.
  std::vector<Standing> all() const;
  // [any] Whether each of them works.
  Result<void> ready() const;

 private:
  struct One {
    ServedPipelinePtr pipeline;
    std::shared_ptr<ChainWorker> worker = {};
    std::string why = "it is about to start";
    uint64_t again_ns = 0, wait_ms = 0;
  };
  void work();
  void start(const std::string& name, const ServedPipelinePtr& pipeline);

  const Parts parts_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_:
  std::map<std::string, One> workers_;
  std::vector<One> leaving_;
  bool stopping_ = false;
  uint64_t drain_ms_ = 0;
  std::thread thread_;  // started with the first worker
};

}  // namespace heddle
