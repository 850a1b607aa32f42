// ServeConfig: what `heddle serve` is told by its configuration file.
//
// The file is one JSON object, read as strictly as a manifest: an unknown key, a wrong type, a value out of range is an error with its place and, where a word was
// misspelt, the one that was meant. Texts may hold ${env.NAME} and ${file:path}.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lanes/jobs.h"
#include "manifest/diagnostic.h"
#include "plugin/transport_handle.h"
#include "serve/access.h"
#include "value/value.h"

namespace heddle {

struct ListenSettings {
  std::string transport = "http";
  std::string endpoint = {};   // "127.0.0.1:7433"
  Value params = {};           // of the transport's type
  ListenLimits limits = {};
  bool insecure = false;       // may serve without tokens beyond loopback
};

struct StoreSettings {
  std::string type = {};  // "Sqlite"
  Value params = {};
};

// A lane and what it adds to its jobs.
struct LaneSetup {
  LaneConfig lane = {};
  JobPolicy policy = {};
};

struct ServeConfig {
  std::string file = {};
  unsigned threads = 0;                            // 0: one per core
  std::vector<ListenSettings> listen = {};
  std::vector<TokenSettings> tokens = {};
  std::optional<StoreSettings> store = {};         // none: jobs are in memory
  std::string pipelines = {};                      // folder of manifests; empty: none
  std::vector<std::string> plugin_dirs = {};
  std::vector<LaneSetup> lanes = {};               // beside, or in place of, the default ones
  Jobs::Settings jobs = {};
  uint64_t drain_ms = 30'000;                      // how long SIGTERM waits for jobs and requests
};

// Every error is in `diagnostics`; empty if there was one.
std::optional<ServeConfig> read_config(std::string_view text, const std::string& file, Diagnostics& diagnostics);

// One lane's settings in the form they have in the file: {"max_concurrency": 4, …}. What is not named stays as in `current`. Errors: "invalid", with the place.
Result<LaneSetup> read_lane_setup(std::string_view json, const LaneSetup& current);

// The same form: every setting with its value in force.
Value lane_setup_json(const LaneSetup& setup);

}  // namespace heddle
