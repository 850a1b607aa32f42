// ServedPipelines: the pipelines of a folder, built and ready, by name.
#pragma once
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lanes/jobs.h"
#include "pipeline/pipeline.h"
#include "pipeline/remote_hosts.h"
#include "plugin/catalog.h"
#include "plugin/outside.h"
#include "serve/lane_setup.h"
#include "serve/state_line.h"

namespace heddle {

// How many executions there are: whoever takes the host down waits for them.
class InUse {
 public:
  void enter();
  void leave();
  // False: there still are some.
  bool wait_until_none(uint64_t timeout_ms);

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  size_t count_ = 0;  // guarded by mutex_
};

// Immutable. Whoever executes it holds it: a reload does not touch what runs.
struct ServedPipeline {
  std::string name;  // of its file, without ".json"
  std::string file;
  std::string description;
  std::string text;  // of the file: what a reload compares
  Manifest manifest;
  Pipeline pipeline;  // without its lanes: no run sets them again
  std::vector<LaneConfig> lanes;  // those of the manifest, in its order
  bool keeps_state = false;        // some node of it does
  bool keeps_items_apart = false;  // what comes of an item is the same whichever others are in the run
  std::shared_ptr<const Catalog> catalog;  // the pipeline points into it
  std::shared_ptr<InUse> in_use;
  std::shared_ptr<StateLine> line;  // of all that keep state
  Outside* outside = nullptr;       // for nodes that have something done elsewhere
  bool is_sent = false;             // by a peer, with its items
  std::string link;                 // in the chain of calls that it is a part of
};
using ServedPipelinePtr = std::shared_ptr<const ServedPipeline>;

// What all pipelines of a host share.
struct Household {
  std::shared_ptr<const Catalog> catalog;
  std::shared_ptr<InUse> in_use;
  std::shared_ptr<StateLine> line;
  Outside* outside = nullptr;
  bool is_sent = false;
};
// Of what has passed every check. The text is that of the manifest, the file where it lies, if it lies anywhere.
ServedPipelinePtr serve(std::string name, std::string file, std::string text, Manifest manifest, Pipeline pipeline, Household household);

class ServedPipelines {
 public:
  // `outside`, for nodes that have something done elsewhere, outlives what is executed; null: they cannot.
  explicit ServedPipelines(Outside* outside = nullptr) : outside_(outside) {}
  // What became of a reading of the folder, in the user's words.
  struct Change {
    std::vector<std::string> added, changed, removed, unchanged;  // names
    std::vector<std::string> notes;                               // what manifests say of the host's lanes that does not count
  };
  // [setup] Reads every *.json of `folder` (empty: there is none). All or nothing: a file that does not pass leaves everything as it was, and the error shows its diagnostics ("bad-pipeline",
  // or "not-trusted" where a plugin that may have a missing type is not trusted). A
  // pipeline whose text, what that takes in from elsewhere, and catalog are as before stays the same object. The lanes that a manifest declares are added to `lanes`. A lane of the
  // host (`host_lanes`, as configured, and the default ones) stays as the host has it, whatever a manifest says of it; two manifests must say the same of a lane.
  // `endpoints` are those of the host itself: what is asked of them is asked of these pipelines, and none may end up running itself. `remotes` may run what cannot run here: they are asked when a node
  // needs them; with other ones than before every pipeline is built anew.
  Result<Change> load(const std::string& folder, std::shared_ptr<const Catalog> catalog, Lanes& lanes, const std::vector<LaneSetup>& host_lanes,
                      const std::vector<std::string>& endpoints = {}, const std::vector<RemoteHost>& remotes = {});
  // [any] Null: there is none.
  ServedPipelinePtr find(std::string_view name) const;
  std::vector<ServedPipelinePtr> all() const;  // by name
  // [any] Of pipelines that are built with this catalog.
  Household household(std::shared_ptr<const Catalog> catalog) const { return {std::move(catalog), in_use_, line_, outside_}; }
  // [any] A lane that is there because manifests declare it.
  std::optional<LaneConfig> declared_lane(std::string_view name) const;
  // [any] Waits until nothing of any pipeline is executed, removed ones included. False: not within the time.
  bool wait_until_idle(uint64_t timeout_ms) const { return in_use_->wait_until_none(timeout_ms); }

 private:
  Outside* const outside_;
  const std::shared_ptr<InUse> in_use_ = std::make_shared<InUse>();
  const std::shared_ptr<StateLine> line_ = std::make_shared<StateLine>();
  mutable std::mutex mutex_;
  // Guarded by mutex_:
  std::map<std::string, ServedPipelinePtr, std::less<>> pipelines_;
  std::map<std::string, LaneConfig, std::less<>> lanes_;    // that are there for manifests
  std::vector<RemoteHost> remotes_;
};

}  // namespace heddle
