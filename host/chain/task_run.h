// TaskRun: one attempt of a task: a run of the worker's pipeline for one item, and what came out of it.
#pragma once
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "chain/task_work.h"
#include "pipeline/run.h"

namespace heddle {

class TaskRun : public std::enable_shared_from_this<TaskRun> {
 public:
  struct Parts {
    std::shared_ptr<const Pipeline> pipeline = {};
    std::shared_ptr<void> alive = {};  // goes with the last of the run
    Lanes* lanes = nullptr;
    Outside* outside = nullptr;
    std::string entry = {};       // the node that the item enters; empty: those without incoming connections
    bool with_envelope = false;   // the item is {"activity", "run", "kind", "workflow", "queue", "input"}; else the input itself
    std::string state_dir = {};
  };
  // [any] Begins on a worker, and returns; what `parts` points to outlives its end. What the pipeline gives is the result: of one value its JSON, or its bytes; of several a JSON list; of none
  // nothing. The input is JSON, or bytes.
  static std::shared_ptr<TaskRun> start(Parts parts, const WorkOrder& order, WorkHearing hearing);
  TaskRun(Parts parts, const WorkOrder& order, WorkHearing hearing);
  TaskRun(const TaskRun&) = delete;
  TaskRun& operator=(const TaskRun&) = delete;

  // [any] Gives up what is inside.
  void stop();

 private:
  struct Step : Job { TaskRun* one = nullptr; };
  // What comes out.
  class Harvest : public Output, public DeadLetters {
   public:
    Result<void> write(const PipelineNode& node, std::span<Item> items) override;
    Result<void> close() override { return {}; }
    Result<void> add(const DeadLetter& letter) override;
    Result<Value> take();

   private:
    std::mutex mutex_;
    // Guarded by mutex_:
    std::vector<Value> values_;
    std::optional<Error> failed_;
  };

  void post();
  void begin();
  void begun(Result<std::unique_ptr<Run>> run);
  void finish();
  void end(Result<Value> result);

  const Parts parts_;
  const WorkHearing hearing_;
  RunOptions options_;
  std::unique_ptr<Feed> feed_;
  Harvest harvest_;
  Step step_;
  std::shared_ptr<TaskRun> self_;  // until the end
  std::mutex mutex_;
  // Guarded by mutex_:
  bool stopped_ = false;
  std::unique_ptr<Run> run_;  // set once
};

}  // namespace heddle
