// Control: what peers may ask of a running host: jobs, lanes, the dead letters, events, metrics, pipelines, types of nodes, remotes, the tasks of chain workers.
//
// One table says every operation with its method, path, scope and meaning; the listeners' offer, the check of the token in front of each, and the OpenAPI document are made
// of it, so none of them can forget one.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lanes/jobs.h"
#include "plugin/catalog.h"
#include "plugin/outside.h"
#include "plugin/request.h"
#include "plugin/transport_handle.h"
#include "serve/access.h"
#include "serve/chain_workers.h"
#include "serve/config.h"
#include "serve/sent_manifests.h"
#include "serve/served_pipelines.h"

namespace heddle {

class Control {
 public:
  // What it speaks for; all of it outlives the control. The listeners do not: they are closed before it goes.
  struct Host {
    Lanes* lanes = nullptr;
    Jobs* jobs = nullptr;
    ServedPipelines* pipelines = nullptr;
    std::function<std::shared_ptr<const Catalog>()> catalog;  // in force
    Outside* outside = nullptr;
    const ChainWorkers* workers = nullptr;
    SentManifests* sent = nullptr;              // null: none are taken
    std::function<Value()> describe;            // {"version","pid","started_ms","store","listeners":[…],…}: GET /v1/host
    std::function<Result<void>()> ready;        // why not; GET /ready
    std::function<Result<Value>()> reload;      // reads the configuration again; POST /v1/reload; may block
    std::string state_dir;                      // of runs with "state": "keep"
    Tracer* tracer = nullptr;                   // of what peers ask to be done; null: nothing is recorded
  };
  Control(Host host, std::shared_ptr<const Access> access);
  ~Control();
  Control(const Control&) = delete;
  Control& operator=(const Control&) = delete;

  static std::vector<Operation> operations();
  // The operation of whatever fits none: it asks for a token, too, and then says that there is nothing.
  static constexpr std::string_view kOtherwise = "otherwise";
  // [any] What the listeners deliver. Never blocks.
  void receive(Request request);
  // [any] From now on these tokens count.
  void set_access(std::shared_ptr<const Access> access);
  // [any] Ends the streams of events, and answers who waits for a job: the host goes. Whoever comes later is told so.
  void close_streams();

  struct State;  // for the operations: see control_state.h

 private:
  std::shared_ptr<State> state_;
};

}  // namespace heddle
