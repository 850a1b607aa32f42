// Manifest: the JSON file as plain structs, with the place of everything that can be wrong. No plugin is loaded yet.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "manifest/diagnostic.h"
#include "manifest/document.h"
#include "manifest/lane_settings.h"
#include "result.h"

namespace heddle {

enum class ParamType : uint8_t { kString, kNumber, kInteger, kBoolean, kSecret };

// One entry of "params": a value that the manifest leaves to whoever runs it.
struct ParamDeclaration {
  std::string name, description;
  ParamType type = ParamType::kString;
  std::string from;                       // secret: "env:NAME" or "file:PATH"
  std::optional<JsonNode> default_value;  // neither this nor `from`: it must be given
  std::string min, max;                   // numbers as written; empty: no limit
  std::vector<JsonNode> choices;          // "enum"; empty: any value
  std::optional<JsonNode> value;          // what it is in this run; none for a secret, and without substitution
  std::string pointer;
  Span span;
};

struct PluginRequirement {
  std::string name, version;  // version: ">=1.0", "<2", "=1.4.2", joined by ","; empty: any
  std::string pointer;
  Span span;
};

struct RetrySettings {
  uint32_t max_attempts = 1;  // 1: no retry
  uint64_t initial_backoff_ms = 100, max_backoff_ms = 30'000;
  double multiplier = 2.0;
  std::string jitter = "full";  // full, equal, none
  uint32_t budget_percent = 20;
};

struct BreakerSettings {
  uint32_t failure_threshold = 5, success_threshold = 2;
  uint64_t reset_timeout_ms = 30'000;
};

struct HedgeSettings {
  std::string after;  // "p95" or "<n>ms"
  uint32_t max_extra = 1;
};

struct Policy {
  std::string name;
  std::optional<uint64_t> attempt_timeout_ms;
  std::optional<RetrySettings> retry;
  std::optional<BreakerSettings> circuit_breaker;
  std::optional<HedgeSettings> hedge;
  std::string pointer;
  Span span;
};

enum class OrderMode : uint8_t { kStrict, kByKey, kNone };
enum class MergeMode : uint8_t { kArrival, kRoundRobin, kBySequence, kZip, kJoin };

struct Merge {
  MergeMode mode = MergeMode::kArrival;
  std::string key;          // join: JSON Pointer
  uint64_t timeout_ms = 0;  // join: 0 waits until the inputs end
};

struct NodeSettings {
  std::string id, node_type;
  JsonNode params;  // a map; substituted; secrets in clear (never print it: see redacted())
  std::string lane, policy;
  std::optional<uint64_t> timeout_ms;
  uint32_t parallel = 1;
  OrderMode order = OrderMode::kStrict;
  std::string order_key;  // JSON Pointer, with kByKey
  Merge merge;
  JsonNode capabilities;                   // a map: gpu, cpu, memory_gb
  std::string placement = "prefer_local";  // local, remote, prefer_local, prefer_remote, auto
  std::string placement_fallback;          // a node id
  std::string host;
  std::string isolation = "none";
  std::optional<uint64_t> limit_memory_bytes, limit_cpu_ms;
  bool keep_state = false;
  std::optional<bool> idempotent;
  std::string idempotency_key;
  bool standby = false;
  bool is_output_node = false;

  std::string pointer;  // "/nodes/3"
  Span span, id_span, type_span, params_span;
  // The place of one member of this entry ("lane", "policy", …), or of the entry where it has none.
  std::map<std::string, Span, std::less<>> member_spans;
  Span span_of(std::string_view member) const;
};

enum class OnFull : uint8_t { kBlock, kDropNewest, kDropOldest };

struct QueueSettings {
  std::optional<uint64_t> items, bytes;
  OnFull on_full = OnFull::kBlock;
};

struct BatchSettings {
  uint32_t items = 0;  // 0: none
  uint64_t linger_ms = 0;
};

struct Connection {
  std::string from_node, from_port;  // port empty: the first output
  std::string to_node, to_port;      // port empty: the first input
  bool has_queue = false;
  QueueSettings queue;
  BatchSettings batch;
  std::string pointer;  // "/connections/2"
  Span span, from_span, to_span;
};

enum class OnError : uint8_t { kDeadLetter, kFail };

struct RunSettings {
  uint64_t item_deadline_ms = 0;  // 0: none
  OnError on_error = OnError::kDeadLetter;
  uint64_t drain_ms = 10'000;
};

// One queue of a chain that a worker takes activities from.
struct WorkQueue {
  std::string name, lane = "default";
  uint32_t partition = 0;
  uint64_t limit = 0;  // activities at once; 0: as the lane and the workers allow
  std::string pointer;
  Span span, lane_span;
};

// Where activities of a kind enter the pipeline.
struct WorkKind {
  std::string kind, node;
};

// "worker": activities of a chain become items of the pipeline, and what it makes of them is settled on the chain.
struct ChainWork {
  std::string chain;      // the type
  JsonNode chain_params;  // a map; substituted
  std::vector<WorkQueue> queues;
  std::vector<WorkKind> kinds;           // empty: all, at the nodes without incoming connections
  std::string min_version, max_version;  // of the contracts; empty: any
  bool with_envelope = false;
  uint64_t limit = 64, poll_ms = 1'000, heartbeat_ms = 0, reconcile_ms = 60'000, scan_s = 10'800, claim_s = 60, deadline_ms = 0, max_attempts = 5;
  std::string pointer;
  JsonNode section;  // all of it, as it stands there
  Span span, chain_span, params_span;
};

// One of the manifest's own tests: items into nodes, and what must leave which nodes. Texts are JSON.
struct TestCase {
  std::string name;
  std::map<std::string, std::vector<std::string>> in, expect;
  std::string pointer;
  Span span;
};

struct Manifest {
  std::string file;
  std::string name, description;
  JsonNode metadata;    // a map: what "metadata" says beyond name and description
  std::string dialect;  // "heddle/1", or the older version it was imported from
  std::vector<ParamDeclaration> params;
  std::vector<PluginRequirement> plugins;
  std::vector<LaneSettings> lanes;
  std::vector<Policy> policies;
  std::vector<NodeSettings> nodes;
  std::vector<Connection> connections;
  RunSettings run;
  std::optional<ChainWork> worker;
  std::vector<TestCase> tests;
  std::vector<std::string> input;  // of a wrapper {"manifest", "input_data"}: JSON texts; else empty
  bool has_input = false;
  std::vector<std::string> secrets;        // values of params of type secret: to be given to log::redact
  std::vector<std::string> import_report;  // of an imported one: what was changed or could not be used, one sentence each

  // Strings that substitution (or an import) changed, by JSON Pointer in heddle/1 form, as they must stand in the file. So secrets are
  // never written in clear.
  std::map<std::string, std::string, std::less<>> written;
  // A digest of what they became. Equal texts with equal digests, read with the same options, are equal manifests.
  uint64_t taken_in = 0;
  // The `x-*` members of the maps that have no free form, by JSON Pointer in heddle/1 form, as JSON texts.
  std::map<std::string, std::string, std::less<>> extensions;

  const NodeSettings* find(std::string_view id) const;  // looks at one node after the other
};

struct ReadOptions {
  std::map<std::string, std::string> params;  // --param k=v
  bool substitute = true;                     // false: `${…}` is left as it is (schema, import)
  bool takes_in = true;                       // false: the text is somebody else's: ${env.NAME}, ${file:path} and secrets "from" somewhere are errors
  bool even_with_errors = false;              // give what could be read, for the checks that come after: they may find more
  // Where ${env.NAME} comes from; null: the environment.
  const char* (*environment)(const char* name) = nullptr;
};

// Reads a manifest of any known dialect. Everything that can be said without a plugin is said: syntax, keys, types, ranges, ids,
// connections, substitution. Empty if there were errors, or with ReadOptions::even_with_errors if nothing could be read. Secrets are registered with log::redact as soon as they are known, errors or not.
// `file` names the source in messages; ${file:path} is relative to its folder.
std::optional<Manifest> read_manifest(std::string_view text, const std::string& file, const ReadOptions& options, Diagnostics& diagnostics);

// The checks of the graph that need no plugin: cycles (printed), self and duplicate connections, isolated nodes, standby nodes out of
// place. Takes a manifest that read_manifest gave; linear in nodes and connections.
void check_graph(const Manifest& manifest, Diagnostics& diagnostics);

// The manifest as heddle/1 text, two spaces of indentation: what `heddle import` prints. What equals its default is left out; with input it
// is the wrapper {"manifest", "input_data"}. Reading it again gives the same manifest. Secrets are written as their "from" again, never in
// clear.
std::string to_heddle1(const Manifest& manifest);
// One policy, as it stands in "policies".
JsonNode to_heddle1(const Policy& policy);

}  // namespace heddle
