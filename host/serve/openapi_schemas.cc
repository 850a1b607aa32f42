#include "serve/openapi_schemas.h"

#include <string_view>

namespace heddle {
namespace {

constexpr std::string_view kSchemas = R"json({
"Failure": {"type": "object", "required": ["error"], "properties": {"error": {"$ref": "#/components/schemas/Error"}}},
"Error": {"type": "object", "required": ["code", "class", "message"], "properties": {
  "code": {"type": "string", "description": "Stable and short: what a program looks at."},
  "class": {"type": "string", "enum": ["permanent", "retryable", "config", "cancelled"]},
  "message": {"type": "string", "description": "What is wrong and what to do, for people."}}},
"Status": {"type": "object", "required": ["status"], "properties": {"status": {"type": "string"}}},
"Host": {"type": "object", "description": "Version, process, store and listeners of the host."},
"Reloaded": {"type": "object", "required": ["pipelines", "lanes", "listeners", "settings", "notes"], "properties": {
  "pipelines": {"type": "object", "required": ["added", "changed", "removed", "unchanged"], "additionalProperties": {"type": "array", "items": {"type": "string"}}},
  "lanes": {"type": "array", "items": {"type": "string"}, "description": "Those whose settings the configuration changed."},
  "listeners": {"type": "object", "required": ["opened", "changed", "closed"], "additionalProperties": {"type": "array", "items": {"type": "string"}},
    "description": "Those that changed close and open again after this answer."},
  "settings": {"type": "array", "items": {"type": "string"}, "description": "The other settings that changed."},
  "notes": {"type": "array", "items": {"type": "string"}, "description": "What did not take effect, and when it will."}}},
"Any": {"description": "Any JSON value."},
"JobSpec": {"type": "object", "additionalProperties": false, "required": ["type"], "properties": {
  "type": {"type": "string", "description": "Who runs it; \"pipeline/NAME\" is a served pipeline."},
  "payload": {"description": "Any JSON value."},
  "lane": {"type": "string", "default": "default"},
  "priority": {"type": "integer", "minimum": 0, "maximum": 255, "default": 0, "description": "In a lane that is ordered by priority; 0 is the highest."},
  "key": {"oneOf": [{"type": "string"}, {"type": "integer", "minimum": 0}], "description": "In a lane that is fair: whose turn it is."},
  "deadline_ms": {"type": "integer", "minimum": 1, "description": "From now; the lane's boost goes by it."},
  "delay_ms": {"type": "integer", "minimum": 0, "description": "From now; before that it does not start."},
  "run_at": {"type": "integer", "minimum": 0, "description": "The same as a time: milliseconds since the epoch."},
  "idempotency_key": {"type": "string", "minLength": 1, "maxLength": 256, "description": "A second submit with the same one gives the first job."},
  "after": {"type": "array", "maxItems": 1000, "items": {"type": "integer"}, "description": "Jobs that must be done first."},
  "wait_ms": {"type": "integer", "minimum": 0, "maximum": 3600000, "description": "Answer when the job is over, at most after this time."}}},
"Job": {"type": "object", "required": ["id", "type", "lane", "state", "over", "durable", "attempt", "priority", "payload", "attempts", "submitted_ms"], "properties": {
  "id": {"type": "integer"},
  "type": {"type": "string"},
  "lane": {"type": "string"},
  "state": {"type": "string", "enum": ["blocked", "waiting", "running", "backing-off", "stranded", "ending", "done", "dead", "cancelled"]},
  "over": {"type": "boolean", "description": "It will not change any more, unless it is dead and somebody requeues it."},
  "durable": {"type": "boolean"},
  "attempt": {"type": "integer"},
  "priority": {"type": "integer"},
  "idempotency_key": {"type": "string"},
  "payload": {},
  "progress": {"type": "object", "properties": {"percent": {"type": "number"}, "message": {"type": "string"}}},
  "result": {},
  "error": {"$ref": "#/components/schemas/Error"},
  "attempts": {"type": "array", "description": "Those that failed.", "items": {"type": "object", "properties": {
    "number": {"type": "integer"}, "error": {"type": "string"}, "took_ms": {"type": "integer"}}}},
  "submitted_ms": {"type": "integer"},
  "not_before_ms": {"type": "integer"},
  "started_ms": {"type": "integer"},
  "ended_ms": {"type": "integer"}}},
"Jobs": {"type": "object", "required": ["jobs"], "properties": {
  "jobs": {"type": "array", "items": {"$ref": "#/components/schemas/Job"}},
  "next": {"type": "integer", "description": "There are more: ask again with after=this."}}},
"DeadJobs": {"type": "object", "required": ["jobs", "lost"], "properties": {
  "jobs": {"type": "array", "items": {"$ref": "#/components/schemas/Job"}},
  "lost": {"type": "integer", "description": "Dropped because there were too many."},
  "next": {"type": "integer", "description": "There are more: ask again with after=this."}}},
"Requeued": {"type": "object", "required": ["requeued"], "properties": {"requeued": {"type": "integer"}}},
"Discarded": {"type": "object", "required": ["discarded"], "properties": {"discarded": {"type": "integer"}}},
"LaneSettings": {"type": "object", "description": "As in the configuration file; what is not named stays as it is."},
"Lane": {"type": "object", "required": ["name", "stats", "alerts_standing", "counts", "waited", "ran"], "additionalProperties": true, "properties": {
  "name": {"type": "string"},
  "alerts_standing": {"type": "array", "items": {"type": "object", "properties": {"kind": {"type": "string"}, "level": {"type": "string"}, "message": {"type": "string"}}}},
  "stats": {"type": "object"},
  "counts": {"type": "object"},
  "waited": {"$ref": "#/components/schemas/Durations"},
  "ran": {"$ref": "#/components/schemas/Durations"}}},
"Durations": {"type": "object", "properties": {
  "count": {"type": "integer"}, "p50_ms": {"type": "number"}, "p90_ms": {"type": "number"}, "p95_ms": {"type": "number"}, "p99_ms": {"type": "number"}}},
"Lanes": {"type": "object", "required": ["lanes"], "properties": {"lanes": {"type": "array", "items": {"$ref": "#/components/schemas/Lane"}}}},
"Pipelines": {"type": "object", "required": ["pipelines"], "properties": {"pipelines": {"type": "array", "items": {"type": "object", "properties": {
  "name": {"type": "string"}, "description": {"type": "string"}, "nodes": {"type": "integer"}}}}}},
"Remotes": {"type": "object", "required": ["remotes", "sidecars"], "properties": {
  "remotes": {"type": "array", "items": {"$ref": "#/components/schemas/Remote"}},
  "sidecars": {"type": "array", "items": {"$ref": "#/components/schemas/Sidecar"}}}},
"Sidecar": {"type": "object", "description": "Worker processes that do the same.", "required": ["sidecar", "tls", "waiting", "slots", "idle_ms", "workers"], "properties": {
  "sidecar": {"type": "string", "description": "The type of the sidecar."},
  "tls": {"type": "boolean"},
  "waiting": {"type": "integer", "description": "Activities that wait for a worker."},
  "slots": {"type": "integer", "description": "So many at a time those workers can do that are there."},
  "idle_ms": {"type": "integer", "nullable": true},
  "workers": {"type": "array", "items": {"type": "object", "required": ["here", "refused", "credit", "tags", "endpoint"], "properties": {
    "here": {"type": "boolean"},
    "refused": {"type": "boolean", "description": "It is there, but its versions and ours do not meet."},
    "credit": {"type": "integer", "description": "So many more it would take now."},
    "tags": {"type": "array", "items": {"type": "string"}, "description": "What it says that it can do."},
    "gone": {"type": "string", "description": "Why it is not there."},
    "endpoint": {"$ref": "#/components/schemas/RemoteEndpoint"}}}}}},
"Remote": {"type": "object", "required": ["transport", "tls", "load_balance", "idle_ms", "pools"], "properties": {
  "transport": {"type": "string"},
  "tls": {"type": "boolean"},
  "load_balance": {"type": "string", "enum": ["round_robin", "least_connections", "random", "p2c", "hash"]},
  "idle_ms": {"type": "integer", "nullable": true, "description": "Since the last call; null: there was none."},
  "pools": {"type": "array", "description": "In the order in which they are tried.", "items": {"type": "object", "required": ["endpoints"], "properties": {
    "endpoints": {"type": "array", "items": {"$ref": "#/components/schemas/RemoteEndpoint"}}}}}}},
"RemoteEndpoint": {"type": "object",
  "required": ["address", "weight", "state", "breaker", "in_flight", "answered", "failed", "given_up", "retries", "hedges", "ejections", "breaker_opened", "p50_ms", "p95_ms"], "properties": {
  "address": {"type": "string"},
  "weight": {"type": "integer"},
  "state": {"type": "string", "enum": ["healthy", "slow-start", "unhealthy", "ejected"], "description": "unhealthy: says the last probe."},
  "back_in_ms": {"type": "integer", "description": "Of one that is ejected."},
  "breaker": {"type": "string", "nullable": true, "enum": ["closed", "open", "half-open", null]},
  "breaker_opens_in_ms": {"type": "integer", "description": "Of an open breaker: when it lets calls through again."},
  "in_flight": {"type": "integer"},
  "answered": {"type": "integer", "description": "Attempts, as those that follow."},
  "failed": {"type": "integer"},
  "given_up": {"type": "integer", "description": "Before it showed what comes of them."},
  "retries": {"type": "integer", "description": "Of all of them."},
  "hedges": {"type": "integer", "description": "Of all of them."},
  "ejections": {"type": "integer"},
  "breaker_opened": {"type": "integer", "description": "How often."},
  "p50_ms": {"type": "number", "nullable": true, "description": "Of the last answered attempts; null: there were none."},
  "p95_ms": {"type": "number", "nullable": true},
  "last_error": {"type": "object", "required": ["message", "age_ms"], "properties": {"message": {"type": "string"}, "age_ms": {"type": "integer"}}}}},
"Tasks": {"type": "object", "required": ["workers", "tasks", "left_off"], "properties": {
  "workers": {"type": "array", "items": {"$ref": "#/components/schemas/ChainWorker"}},
  "tasks": {"type": "array", "items": {"$ref": "#/components/schemas/Task"}},
  "left_off": {"type": "integer", "description": "So many more there are."}}},
"ChainWorker": {"type": "object", "required": ["worker", "works"], "properties": {
  "worker": {"type": "string", "description": "The name of its pipeline."},
  "works": {"type": "boolean"},
  "why": {"type": "string", "description": "It does not."},
  "account": {"type": "string", "description": "As the chain writes it."},
  "counts": {"type": "object", "description": "Of its tasks, since its start; \"open\": now.", "properties": {
    "open": {"type": "integer"}, "settled": {"type": "integer"}, "failed": {"type": "integer"}, "lost": {"type": "integer"}}},
  "standing": {"type": "object", "description": "Of the account, some seconds old at most.", "properties": {
    "chain": {}, "account": {"type": "string"},
    "block": {"type": "integer", "description": "The newest that is known."},
    "block_unix": {"type": "integer"},
    "balance": {"type": "number", "description": "In the smallest unit."},
    "pending": {"type": "integer", "description": "Transactions that are not final."},
    "gaps": {"type": "integer", "description": "Numbers of the account that are taken, and that no transaction of this host has."},
    "bumps": {"type": "integer"}, "sent": {"type": "integer"}, "final": {"type": "integer"},
    "alarms": {"type": "array", "items": {"type": "string"}, "description": "What a person should look at."},
    "endpoints": {"type": "array", "items": {"type": "object", "properties": {
      "address": {"type": "string"}, "block": {"type": "integer"}, "well": {"type": "boolean"}, "error": {"type": "string"}}}}}}}},
"Task": {"type": "object", "required": ["worker", "activity", "run", "state", "over", "kind", "queue", "partition", "attempt", "percent"], "properties": {
  "worker": {"type": "string"},
  "activity": {"type": "string", "description": "Its id on the chain."},
  "run": {"type": "integer", "description": "How often this host has taken it."},
  "state": {"type": "string", "enum": ["offered", "claimed", "running", "computed", "submitted", "settled", "failed", "lost"]},
  "over": {"type": "boolean"},
  "kind": {"type": "string"},
  "queue": {"type": "string"},
  "partition": {"type": "integer"},
  "workflow": {"type": "string"},
  "attempt": {"type": "integer", "description": "Of the work on it."},
  "percent": {"type": "integer"},
  "message": {"type": "string", "description": "What the work said last."},
  "waits_for": {"type": "string", "description": "Why it does not go on."},
  "lease_until_unix": {"type": "integer"},
  "expires_unix": {"type": "integer"},
  "since_ms": {"type": "integer", "description": "In this state."},
  "why": {"type": "string", "description": "It came into this state."},
  "history": {"type": "array", "description": "Only of one task that was asked for.", "items": {"type": "object", "required": ["to", "at_ms"], "properties": {
    "to": {"type": "string"}, "at_ms": {"type": "integer"}, "why": {"type": "string"}}}},
  "transaction": {"type": "object", "description": "The one that its state stands on: of the claim, or of the outcome. Only of one task that was asked for.", "additionalProperties": true, "properties": {
    "transaction": {"type": "string", "description": "Its hash."}}}}},
"Transactions": {"type": "object", "required": ["transactions", "failed"], "properties": {
  "transactions": {"type": "array", "items": {"$ref": "#/components/schemas/Transaction"}},
  "failed": {"type": "array", "description": "Chains that do not say theirs, and why.", "items": {"type": "object", "properties": {
    "chain": {"type": "string"}, "workers": {"type": "array", "items": {"type": "string"}}, "error": {"$ref": "#/components/schemas/Error"}}}}}},
"Transaction": {"type": "object", "required": ["chain", "workers", "key", "stage"], "properties": {
  "chain": {"type": "string", "description": "The type of the chain, as in a manifest."},
  "workers": {"type": "array", "items": {"type": "string"}, "description": "That work with its account."},
  "key": {"type": "string", "description": "By which it was asked for: whoever asks with it again gets the same transaction."},
  "stage": {"type": "string", "enum": ["stored", "sent", "included", "final", "reverted", "replaced", "refused", "conflict"],
    "description": "replaced: it was too late, and its number went to one that does nothing; refused: it cannot be sent; conflict: somebody else has used its number, and it has another one."},
  "number": {"type": "integer", "description": "Of the account's."},
  "transaction": {"type": "string", "description": "The hash of the attempt that counts, or of the last one."},
  "do": {"type": "string"},
  "attempts": {"type": "array", "items": {"type": "object", "properties": {
    "transaction": {"type": "string"}, "fee": {}, "at_unix": {"type": "integer"}, "error": {"type": "string"}}}},
  "block": {"type": "integer"},
  "stored_unix": {"type": "integer"}}},
"Types": {"type": "object", "required": ["types", "capabilities"], "properties": {
  "types": {"type": "array", "items": {"type": "object", "required": ["name", "plugin", "version", "summary", "aliases", "inline", "capabilities"], "properties": {
    "name": {"type": "string", "description": "As \"node_type\" in a manifest."},
    "plugin": {"type": "string"},
    "version": {"type": "string", "description": "Of the plugin."},
    "summary": {"type": "string"},
    "aliases": {"type": "array", "items": {"type": "string"}, "description": "Other names for it."},
    "inline": {"type": "boolean", "description": "A manifest that comes along with its items may use it."},
    "capabilities": {"type": "object", "description": "What it needs of a machine, as in a manifest."}}}},
  "capabilities": {"type": "object", "description": "What this machine has.", "required": ["cores", "memory_gb", "arch", "gpu", "cuda", "rocm"], "properties": {
    "cores": {"type": "integer"},
    "memory_gb": {"type": "number", "description": "All of it, free or not; of 10^9 bytes."},
    "arch": {"type": "string", "description": "As uname says it: x86_64."},
    "gpu": {"type": "boolean"},
    "cuda": {"type": "boolean"},
    "rocm": {"type": "boolean"}}}}},
"ManifestWithInput": {"type": "object", "additionalProperties": false, "required": ["manifest", "input"], "properties": {
  "manifest": {"type": "object", "description": "As in a file. It may use the node types that the host's configuration names, and takes in nothing of the host."},
  "input": {"description": "A list of items, or one item that is no list."}}},
"Items": {"type": "object", "additionalProperties": false, "required": ["items"], "properties": {"items": {"type": "array", "minItems": 1, "maxItems": 1024, "items": {}}}},
"ManifestWithItems": {"type": "object", "additionalProperties": false, "required": ["manifest", "items"], "properties": {
  "manifest": {"type": "object", "description": "As in ManifestWithInput."},
  "items": {"type": "array", "minItems": 1, "maxItems": 1024, "items": {}}}},
"ResultsLine": {"type": "object", "required": ["results"], "properties": {"results": {"type": "array", "items": {"type": "object", "required": ["item"], "properties": {
  "item": {"type": "integer", "minimum": 1, "description": "Its position in \"items\"."},
  "outputs": {"type": "array", "items": {}},
  "failed": {"type": "array", "items": {"type": "object", "description": "As in Executed."}},
  "more": {"type": "boolean", "description": "Further results of this item follow. The result without it is the last one of its item."}}}}}},
"ExecutedLine": {"type": "object", "description": "One result.", "properties": {"output": {}, "failed": {"type": "object"}}},
"Executed": {"type": "object", "required": ["outputs", "failed"], "properties": {
  "outputs": {"type": "array", "items": {}},
  "failed": {"type": "array", "items": {"type": "object", "properties": {
    "code": {"type": "string"}, "class": {"type": "string"}, "message": {"type": "string"}, "node": {"type": "string"},
    "attempts": {"type": "array", "items": {}}}}}}}
})json";

}  // namespace

Value openapi_schemas() { return Value::parse(kSchemas).value(); }

}  // namespace heddle
