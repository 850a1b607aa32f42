// ChainWorker: a manifest with a "worker" at work: its chain, its sidecars, and the runner of its tasks, from the gates at the start to the drain at the end.
#pragma once
#include <condition_variable>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "chain/task_journal.h"
#include "chain/task_runner.h"
#include "pipeline/pipeline.h"
#include "pipeline/run.h"
#include "plugin/chain_handle.h"
#include "plugin/store_handle.h"
#include "result.h"

namespace heddle {

class ChainWorker {
 public:
  struct Parts {
    Lanes* lanes = nullptr;
    Jobs* jobs = nullptr;
    Outside* outside = nullptr;
    StoreHandle* store = nullptr;  // active: where tasks are written
    std::string state_dir = {};
    uint64_t sidecars_ms = 10'000;  // so long the start waits for somebody who could do the work
  };
  // [start] `pipeline` has a worker; everything in `parts` outlives this; `name` names it in the store and in the log. Passes the gates: the account may take work, the versions of contracts and sidecars
  // are such as the manifest wants. Errors: "in-use": another worker of this process has the account; "not-active", "versions" (both are said), those of the chain, of the nodes, of the journal.
  static Result<std::unique_ptr<ChainWorker>> start(std::shared_ptr<const Pipeline> pipeline, std::string name, Parts parts);
  ~ChainWorker();
  ChainWorker(const ChainWorker&) = delete;
  ChainWorker& operator=(const ChainWorker&) = delete;

  // [any] Takes nothing more.
  void drain() { runner_->drain(); }
  // [setup] Once. Work that is under way may end within `drain_ms`; what is left goes on with the next start.
  void stop(uint64_t drain_ms);

  const std::string& name() const { return name_; }
  const std::string& account() const { return account_; }
  TaskRunner& tasks() { return *runner_; }
  const TaskRunner& tasks() const { return *runner_; }
  ChainHandle& chain() { return *chain_; }
  // [any] How the account stands, as of "standing" in heddle/chain.h, not older than some seconds; empty: nothing is known yet.
  Value standing() const;

 private:
  ChainWorker(std::shared_ptr<const Pipeline> pipeline, std::string name, Parts parts) : pipeline_(std::move(pipeline)), name_(std::move(name)), parts_(std::move(parts)) {}
  Result<void> open_chain();
  void warn_of_clock(const Value& standing) const;
  Result<void> check_lanes();
  Result<void> check_chain();
  Result<void> open_pipeline();
  Result<void> check_sidecars();
  Result<void> start_tasks();
  TaskSettings settings() const;
  std::function<void()> begin_work(const WorkOrder& order, WorkHearing hearing) const;
  uint64_t room(uint64_t busy) const;
  void look_at_standing();
  void tell_alarms(const Value& standing);

  const std::shared_ptr<const Pipeline> pipeline_;
  const std::string name_;
  const Parts parts_;
  std::string account_;
  std::shared_ptr<ChainHandle> chain_;
  std::unique_ptr<Feed> idle_;  // without items
  std::unique_ptr<Run> open_;  // has no items: it keeps the nodes' workers connected, and says how much they can take
  std::vector<std::shared_ptr<const WorkerGroup>> groups_;
  std::unique_ptr<TaskJournal> journal_;
  std::unique_ptr<TaskRunner> runner_;
  struct Known {
    std::mutex mutex;
    // Guarded by mutex:
    Value standing;
    std::set<std::string> alarms;
  };
  const std::shared_ptr<Known> known_ = std::make_shared<Known>();
  std::unique_ptr<Strand> looking_;
  struct Under {  // way: runs of the pipeline
    std::mutex mutex;
    std::condition_variable changed;
    size_t runs = 0;  // guarded by mutex
  };
  const std::shared_ptr<Under> under_ = std::make_shared<Under>();
  bool has_account_ = false;
  bool stopped_ = false;
};

}  // namespace heddle
