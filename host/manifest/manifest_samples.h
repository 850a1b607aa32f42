// For tests: manifests, and reading one with a marked place.
#pragma once
#include <map>
#include <string>

#include "manifest/manifest.h"

namespace heddle {

// Uses every section and key of heddle/1.
inline const std::string kFullManifest = R"({
  "version": "heddle/1",
  "metadata": { "name": "score", "description": "filter and score", "owner": "ops", "tags": [1, { "a": null }] },
  "params": {
    "min_score": { "type": "number", "default": 0.5, "min": 0, "max": 1, "description": "what to keep" },
    "mode": { "type": "string", "default": "fast", "enum": ["fast", "exact"] },
    "width": { "type": "integer", "default": 16 },
    "strict": { "type": "boolean", "default": true },
    "rpc_token": { "type": "secret", "from": "env:SCORE_TOKEN" }
  },
  "plugins": [ { "name": "node_std", "version": ">=1.0,<2" }, { "name": "node_jq" } ],
  "lanes": { "net": { "priority": 2, "min_concurrency": 1, "max_concurrency": 64, "weight": 2,
      "priority_boost": { "kind": "custom", "within_ms": 500, "steps": [ { "percent_left": 50, "levels": 1 }, { "percent_left": 10, "levels": 3 } ] }, "x-why": "sockets" },
    "chain": {} },
  "policies": {
    "remote": {
      "attempt_timeout_ms": 800,
      "retry": { "max_attempts": 3, "initial_backoff_ms": 1000, "max_backoff_ms": 30000, "multiplier": 2.5, "jitter": "equal", "budget_percent": 20 },
      "circuit_breaker": { "failure_threshold": 4, "success_threshold": 1, "reset_timeout_ms": 3000 },
      "hedge": { "after": "p95", "max_extra": 2 }
    }
  },
  "nodes": [
    { "id": "keep", "node_type": "Filter", "params": { "when": ".score >= $min_score", "min": "${param.min_score}", "text": "at least ${param.min_score}" } },
    { "id": "route", "node_type": "Route", "params": { "cases": [ { "port": "eu", "when": ".region == \"eu\"" } ], "default": "rest" } },
    { "id": "score", "node_type": "RemotePipeline", "lane": "net", "policy": "remote", "timeout_ms": 5000, "parallel": "${param.width}",
      "order": { "by_key": "/account" }, "idempotent": true, "host": "a.example:50051", "isolation": "process",
      "limits": { "memory_bytes": 1048576, "cpu_ms": 100 }, "state": "keep",
      "capabilities": { "gpu": { "type": "cuda" }, "cpu": { "cores": 4 }, "memory_gb": 2.5 },
      "execution": { "placement": "prefer_remote", "fallback": "score_local" },
      "params": { "auth_token": "${param.rpc_token}", "literal": "$${x}", "home": "${env.HOME_DIR:-/tmp}", "strict": "${param.strict}" }, "x-note": { "a": [1] } },
    { "id": "score_local", "node_type": "LinearScore", "standby": true },
    { "id": "join", "node_type": "Merge", "merge": { "mode": "join", "key": "/id", "timeout_ms": 1000 }, "order": "none" },
    { "id": "submit", "node_type": "ChainSubmit", "lane": "chain", "idempotency_key": "/tx_id", "is_output_node": true }
  ],
  "connections": [
    { "from": "keep", "to": "route" },
    { "from": "route.eu", "to": "score", "queue": { "items": 256, "bytes": 8388608, "on_full": "drop_oldest" }, "batch": { "items": 32, "linger_ms": 20 } },
    { "from": "route.rest", "to": "join.left", "x-why": "no score" },
    { "from": "score", "to": "join" },
    { "from": "join", "to": "submit", "queue": {} }
  ],
  "run": { "item_deadline_ms": 30000, "on_error": "fail", "drain_ms": 5000 },
  "tests": [ { "name": "low", "in": { "keep": [ { "score": 0.1 } ] }, "expect": { "route": [], "route.eu": [ 1, "${param.x}" ] } } ],
  "x-editor": { "zoom": 2 }
}
)";

inline const char* sample_environment(const char* name) {
  static const std::map<std::string, const char*> variables = {
      {"SCORE_TOKEN", "s3cr3t-token"}, {"EMPTY", ""}, {"REGION", "eu"}, {"TRICKY", "${env.REGION}"}};
  const auto found = variables.find(name);
  return found == variables.end() ? nullptr : found->second;
}

inline ReadOptions sample_options() {
  ReadOptions options;
  options.environment = sample_environment;
  return options;
}

// A text whose place of interest is marked by '@', which is taken out.
struct Marked {
  explicit Marked(std::string marked) : text(std::move(marked)), offset(text.find('@')) {
    if (offset != std::string::npos) text.erase(offset, 1);
  }
  std::string text;
  size_t offset;
};

// The diagnostics of reading and checking `text`.
inline Diagnostics diagnose(const std::string& text, const ReadOptions& options = sample_options()) {
  Diagnostics d("m.json", text);
  if (const std::optional<Manifest> m = read_manifest(text, "m.json", options, d)) check_graph(*m, d);
  return d;
}

}  // namespace heddle
