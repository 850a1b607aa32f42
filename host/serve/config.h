// ServeConfig: what `heddle serve` is told by its configuration.
//
// That is any number of texts, each one JSON object, read as strictly as a manifest: an unknown key, a wrong type, a value out of range is an error with its place and,
// where a word was misspelt, the one that was meant. Strings may hold ${env.NAME} and ${file:path}. A setting of a stronger text replaces the same one of the weaker
// ones, as a whole; "auth", "execute", "jobs", "lanes", each lane, "plugins" and its "pins" are not settings but hold some. A text of a folder "plugins.d", where packages
// may put theirs, has "plugins" and nothing else.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lanes/jobs.h"
#include "manifest/diagnostic.h"
#include "manifest/document.h"
#include "plugin/catalog.h"
#include "plugin/policy.h"
#include "pipeline/remote_hosts.h"
#include "plugin/transport_handle.h"
#include "serve/access.h"
#include "serve/lane_setup.h"
#include "value/value.h"

namespace heddle {

// A text of the configuration, and what is wrong with it.
struct ConfigText {
  ConfigText(std::string path, std::string content);
  std::string file;  // relative paths in it are meant from its folder
  std::string text;
  Diagnostics diagnostics;
};

// Who said a setting: a line of a file, an environment variable ("HEDDLE_THREADS"), or a flag ("--threads").
struct Origin {
  std::string name = {};
  size_t line = 0;  // 0: `name` is no file
};
std::string to_string(const Origin& origin);  // "/etc/heddle/heddle.json:3"

// A plugin's type and its params as they stand in a text: what is wrong with them has a place.
struct WrittenType {
  static constexpr size_t kNowhere = static_cast<size_t>(-1);
  size_t text = kNowhere;    // which one; kNowhere: nobody wrote it, it is the default
  std::string pointer = {};  // of the map that names them
  Span span = {};            // of the type's name
  JsonNode params = {};
  JsonNode shown = {};       // the params for people: references stand as they were written, because what they refer to may be a secret
};

struct ListenSettings {
  std::string transport = "http";
  std::string endpoint = {};   // "127.0.0.1:7433"
  Value params = {};           // of the transport's type
  ListenLimits limits = {};
  bool insecure = false;       // may serve without tokens beyond loopback
  WrittenType written = {};
  Span endpoint_span = {};
};

struct StoreSettings {
  std::string type = {};  // "Sqlite"
  Value params = {};
  WrittenType written = {};
};

// Which manifests peers may send along with their items.
struct ExecuteSettings {
  struct NodeType {
    std::string name = {};
    WrittenType written = {};
  };
  bool inline_manifests = false;
  std::vector<NodeType> node_types = {};  // that they may use
};

struct ServeConfig {
  unsigned threads = 0;                            // 0: one per core
  std::vector<ListenSettings> listen = {};
  std::vector<TokenSettings> tokens = {};
  std::vector<std::string> open_routes = {};       // that ask for no token: "health", "ready", "metrics"
  std::optional<StoreSettings> store = {};         // none: jobs are in memory
  ExecuteSettings execute = {};
  std::string pipelines = {};                      // folder of manifests; empty: none
  std::string state_dir = {};                      // of nodes with "state": "keep"; empty: nothing is kept
  std::vector<std::string> plugin_dirs = {};       // more of them
  PluginPolicy plugins = {};                       // which of those found may be loaded
  std::vector<LaneSetup> lanes = {};               // beside, or in place of, the default ones
  Jobs::Settings jobs = {};
  uint64_t drain_ms = 30'000;                      // how long SIGTERM waits for jobs and requests
  std::vector<RemoteHost> remotes = {};            // that run what cannot run here
  std::map<std::string, std::vector<Origin>> origins = {};  // by the setting's name, "jobs.dead"; absent: a default
};

// Where it listens, as configured: "127.0.0.1:7433".
std::vector<std::string> endpoints_of(const ServeConfig& config);

// What holds where nobody says otherwise: 127.0.0.1:7433, everything in memory, no tokens; plugins that only root and this process's user can have put there.
ServeConfig default_config();

// The weakest text comes first. Every error is in the diagnostics of its text; empty if there was one.
std::optional<ServeConfig> read_config(std::vector<ConfigText>& texts);
// What only the installed plugins can judge: whether they have the transports and the store, and whether these take their params. The config was made of `texts`.
void check_types(const ServeConfig& config, const Catalog& catalog, std::vector<ConfigText>& texts);

// Every setting by its name, with its value in force and in the form that it has in a text. No token is in it.
std::vector<std::pair<std::string, Value>> settings_of(const ServeConfig& config);

inline constexpr const char* kPolicyFolder = "plugins.d";
inline constexpr uint64_t kMaxThreads = 1024;

}  // namespace heddle
