// Execution: one run of a served pipeline for given items, and what came out of it.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "serve/sent_items.h"
#include "serve/served_pipelines.h"

namespace heddle {

// What came out of one execution. With several output nodes each output says which one it is from: {"node","value"}, as `heddle run` does.
struct Executed {
  std::vector<Value> outputs;  // in the order they came
  std::vector<Value> failed;   // of items that failed: {"code","class","message","node","attempts"}
  Result<void> run;            // the run as a whole
};

// For those who want each as it comes, on any thread, never two at once; what goes here is not kept for Executed. They must not block. `item`: the position of the item that it comes
// of, from 1; 0: not known.
struct AsTheyCome {
  std::function<void(uint64_t item, Value)> output = nullptr, failed = nullptr;
  std::function<void(const NodeProgress&)> progress = nullptr;  // two at once, perhaps
  // While it says so, nothing more is made that would come here; once it does not, Execution::go_on is called.
  std::function<bool()> is_full = nullptr;
};

// Leave to execute a pipeline, with its place in the line where state is kept.
struct Admitted {
  ServedPipelinePtr pipeline;
  std::string state_dir = {};
  std::unique_ptr<StateLine::Place> place = {};  // null: nothing is kept
  std::string chain = {};                        // with which its nodes call other hosts (call_chain.h); empty: it begins here
  std::optional<TraceContext> trace = {};        // of which the run is a part; none: it begins one
  Tracer* tracer = nullptr;                      // null: nothing is recorded
};
// Executions that keep state and wait for their turn, where peers ask for them.
inline constexpr size_t kMostInLine = 64;
// [any] Executions that keep state run one after the other, in the order of their admission. "busy", retryable: `most` are admitted and not over.
Result<Admitted> admit(ServedPipelinePtr pipeline, std::string state_dir, size_t most = SIZE_MAX);

class Execution {
 public:
  using Done = std::function<void(Executed)>;
  // [any] Starts a run of its own for these items, when it is its turn, and returns; `done` is called once, on a worker, after everything else. Never blocks. The handle may be
  // dropped at any time: the run goes on, and keeps what it needs.
  static std::shared_ptr<Execution> start(Admitted admitted, Lanes& lanes, std::shared_ptr<Feed> items, Done done, AsTheyCome each = {});
  static std::shared_ptr<Execution> start(Admitted admitted, Lanes& lanes, std::vector<Value> items, Done done, AsTheyCome each = {});
  virtual ~Execution() = default;
  // [any] Gives up what is inside; the run ends with the error "stopped".
  virtual void stop() = 0;
  // [any] Who was told that it is full has room again.
  virtual void go_on() = 0;
};

// [any] The job "pipeline/NAME": its payload is one item, its result {"outputs":[…]}. A failed item fails the job, retryable as the item's error says. The pipeline is the one that is
// served under that name when the job begins. A job holds a place of its lane until it ends: in a lane with a limit on which its own run works, jobs could hold all of them and wait for
// ever for each other, so it fails there.
// `tracer`: null: nothing is recorded.
Jobs::Function pipeline_job(const Jobs& jobs, const ServedPipelines& pipelines, Lanes& lanes, std::string state_dir, std::string name, Tracer* tracer = nullptr);

}  // namespace heddle
