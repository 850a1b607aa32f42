// HostTrial: a run of a pipeline in which one node does a hostile deed, and what came of it.
#pragma once
#include <string>

#include "check/host_promise.h"
#include "plugin/catalog.h"
#include "value/value.h"

namespace heddle {

struct HostTrialOrder {
  std::string type = "Hostile", deed = {};
  std::string params = {};         // of the hostile node, as JSON; empty: its deed alone
  std::string settings = {};       // further members of the hostile node in the manifest, each with a comma before it
  std::string second = {};         // the deed of a node of type HostileLate in place of "after"; empty: it is a sound one
  uint64_t items = 500;
  bool is_stopped = false;         // the run is told to end when all items are in it, and would not by itself
  uint64_t limit_ms = 10'000;
};

// Loads the plugin, unless it could not be told what to do. Nothing of the run is left afterwards but what hangs.
HostObservation observe(const Catalog& catalog, const HostTrialOrder& order);

}  // namespace heddle
