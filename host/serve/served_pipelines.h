// ServedPipelines: the pipelines of a folder, built and ready, by name.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "lanes/jobs.h"
#include "pipeline/run.h"
#include "plugin/catalog.h"

namespace heddle {

// Immutable. Whoever executes it holds it: a reload does not touch what runs.
struct ServedPipeline {
  std::string name;  // of its file, without ".json"
  std::string file;
  std::string description;
  std::string text;  // of the file: what a reload compares
  Manifest manifest;
  Pipeline pipeline;
  std::shared_ptr<const Catalog> catalog;  // the pipeline points into it
};
using ServedPipelinePtr = std::shared_ptr<const ServedPipeline>;

class ServedPipelines {
 public:
  // What became of a reading of the folder, in the user's words.
  struct Change {
    std::vector<std::string> added, changed, removed, unchanged;  // names
  };
  // [setup] Reads every *.json of `folder`. All or nothing: a file that does not pass leaves everything as it was, and the error shows its diagnostics.
  Result<Change> load(const std::string& folder, std::shared_ptr<const Catalog> catalog);
  // [any] Null: there is none.
  ServedPipelinePtr find(std::string_view name) const;
  std::vector<ServedPipelinePtr> all() const;  // by name

 private:
  mutable std::mutex mutex_;
  std::map<std::string, ServedPipelinePtr, std::less<>> pipelines_;  // guarded by mutex_
};

// What came out of one execution.
struct Executed {
  std::vector<Value> outputs;  // in the order they came
  std::vector<Value> failed;   // of items that failed: {"code","class","message","node","attempts"}
  Result<void> run;            // the run as a whole
};
// [any] Starts a run of its own for these items and returns; `done` is called once, on a worker. `stopped` becomes true: the run is given up. Never blocks.
class Execution {
 public:
  using Done = std::function<void(Executed)>;
  // [any] The handle may be dropped at any time: the run goes on, and keeps what it needs.
  static std::shared_ptr<Execution> start(ServedPipelinePtr pipeline, Lanes& lanes, std::string state_dir, std::vector<Value> items, Done done);
  virtual ~Execution() = default;
  // [any] Gives up what is inside.
  virtual void stop() = 0;
};

}  // namespace heddle
