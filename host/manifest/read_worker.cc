#include "manifest/sections.h"

namespace heddle {
namespace {

constexpr std::string_view kWorkerKeys[] = {"chain", "chain_params", "queues", "kinds", "versions", "with_envelope", "limit", "poll_ms", "heartbeat_ms", "reconcile_ms", "scan_s", "claim_s",
                                            "deadline_ms", "max_attempts"};
constexpr std::string_view kQueueKeys[] = {"name", "partition", "lane", "limit"};
constexpr std::string_view kKindKeys[] = {"kind", "node"};
constexpr std::string_view kVersionKeys[] = {"min", "max"};
constexpr uint64_t kMostAtOnce = 100'000;
constexpr uint64_t kMostSeconds = kMaxMilliseconds / 1'000;

void read_queue(ManifestReading& reading, JsonNode& entry, const Path& at, ChainWork& work) {
  WorkQueue queue;
  queue.pointer = at.pointer();
  queue.span = entry.span;
  Fields f(reading, entry, at, kQueueKeys, "a queue");
  f.required_text("name", queue.name);
  f.integer("partition", 0, UINT16_MAX, queue.partition);
  f.text("lane", queue.lane);
  queue.lane_span = f.span_of("lane");
  f.integer("limit", 1, kMostAtOnce, queue.limit);
  for (const WorkQueue& other : work.queues) {
    if (other.name == queue.name && other.partition == queue.partition) f.error("duplicate", "name", "the queue \"" + queue.name + "\" with this partition is there already");
  }
  work.queues.push_back(std::move(queue));
}

void read_kind(ManifestReading& reading, JsonNode& entry, const Path& at, NodeIds& ids, ChainWork& work) {
  WorkKind kind;
  Fields f(reading, entry, at, kKindKeys, "a kind");
  f.required_text("kind", kind.kind);
  if (f.text("node", kind.node) && !reading.is_open(kind.node)) ids.expect(kind.node, f.at("node"), f.span_of("node"));
  for (const WorkKind& other : work.kinds) {
    if (other.kind == kind.kind) f.error("duplicate", "kind", "the kind \"" + kind.kind + "\" is there already");
  }
  work.kinds.push_back(std::move(kind));
}

}  // namespace

void read_worker(ManifestReading& reading, JsonNode& section, const Path& path, NodeIds& ids) {
  ChainWork work;
  work.pointer = path.pointer();
  work.span = section.span;
  work.chain_params.kind = JsonKind::kMap;
  work.section = section;
  Fields f(reading, section, path, kWorkerKeys, "\"worker\"");
  if (section.kind != JsonKind::kMap) return;
  f.required_text("chain", work.chain);
  work.chain_span = f.span_of("chain");
  work.params_span = f.span_of("chain_params");
  if (JsonNode* params = f.get_map("chain_params")) work.chain_params = *params;
  f.require("queues");
  if (JsonNode* queues = f.get_list("queues")) {
    if (queues->items.empty()) f.error("missing-key", "queues", "a worker needs at least one queue to take activities from");
    for (size_t i = 0; i < queues->items.size(); ++i) read_queue(reading, queues->items[i], Path(f.at("queues"), i), work);
  }
  if (JsonNode* kinds = f.get_list("kinds")) {
    for (size_t i = 0; i < kinds->items.size(); ++i) read_kind(reading, kinds->items[i], Path(f.at("kinds"), i), ids, work);
  }
  if (JsonNode* versions = f.get("versions")) {
    const Path at = f.at("versions");
    Fields v(reading, *versions, at, kVersionKeys, "\"versions\"");
    v.text("min", work.min_version);
    v.text("max", work.max_version);
  }
  f.boolean("with_envelope", work.with_envelope);
  f.integer("limit", 1, kMostAtOnce, work.limit);
  f.integer("poll_ms", 10, kMaxMilliseconds, work.poll_ms);
  f.integer("heartbeat_ms", 100, kMaxMilliseconds, work.heartbeat_ms);
  f.integer("reconcile_ms", 100, kMaxMilliseconds, work.reconcile_ms);
  f.integer("scan_s", 0, kMostSeconds, work.scan_s);
  f.integer("claim_s", 1, kMostSeconds, work.claim_s);
  f.integer("deadline_ms", 1, kMaxMilliseconds, work.deadline_ms);
  f.integer("max_attempts", 1, 1'000, work.max_attempts);
  reading.manifest().worker = std::move(work);
}

}  // namespace heddle
