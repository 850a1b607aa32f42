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
#include "manifest/document.h"
#include "plugin/catalog.h"
#include "plugin/transport_handle.h"
#include "serve/access.h"
#include "serve/lane_setup.h"
#include "value/value.h"

namespace heddle {

// A plugin's type and its params as they stand in the file: what is wrong with them has a place.
struct WrittenType {
  std::string pointer = {};  // of the map that names them
  Span span = {};            // of the type's name
  JsonNode params = {};
};

struct ListenSettings {
  std::string transport = "http";
  std::string endpoint = {};   // "127.0.0.1:7433"
  Value params = {};           // of the transport's type
  ListenLimits limits = {};
  bool insecure = false;       // may serve without tokens beyond loopback
  WrittenType written = {};
};

struct StoreSettings {
  std::string type = {};  // "Sqlite"
  Value params = {};
  WrittenType written = {};
};

struct ServeConfig {
  std::string file = {};
  unsigned threads = 0;                            // 0: one per core
  std::vector<ListenSettings> listen = {};
  std::vector<TokenSettings> tokens = {};
  std::vector<std::string> open_routes = {};       // that ask for no token: "health", "ready", "metrics"
  std::optional<StoreSettings> store = {};         // none: jobs are in memory
  std::string pipelines = {};                      // folder of manifests; empty: none
  std::string state_dir = {};                      // of nodes with "state": "keep"; empty: nothing is kept
  std::vector<std::string> plugin_dirs = {};
  std::vector<LaneSetup> lanes = {};               // beside, or in place of, the default ones
  Jobs::Settings jobs = {};
  uint64_t drain_ms = 30'000;                      // how long SIGTERM waits for jobs and requests
};

// What is served without a file: 127.0.0.1:7433, everything in memory, no tokens.
ServeConfig default_config();

// Every error is in `diagnostics`; empty if there was one.
std::optional<ServeConfig> read_config(std::string_view text, const std::string& file, Diagnostics& diagnostics);
// What only the installed plugins can judge: whether they have the transports and the store, and whether these take their params.
void check_types(const ServeConfig& config, const Catalog& catalog, Diagnostics& diagnostics);

}  // namespace heddle
