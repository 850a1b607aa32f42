#include "manifest/sections.h"

namespace heddle {
namespace {

constexpr std::string_view kConnectionKeys[] = {"from", "to", "queue", "batch"};
constexpr std::string_view kQueueKeys[] = {"items", "bytes", "on_full"};
constexpr std::string_view kBatchKeys[] = {"items", "linger_ms"};
constexpr uint64_t kMaxQueueItems = 100'000'000;
constexpr uint64_t kMaxQueueBytes = uint64_t{1} << 44;
constexpr uint64_t kMaxBatchItems = 1'000'000;

// Splits "node.port". Reports what is no endpoint, and a node that does not exist.
void read_endpoint(ManifestReading& reading, Fields& f, const Path& path, std::string_view key, NodeIds& ids, std::string& node, std::string& port,
                   Span& span) {
  std::string text;
  span = f.span_of(key);
  if (!f.required_text(key, text)) return;
  if (reading.is_open(text)) {
    node = std::move(text);
    return;
  }
  const size_t dot = text.find('.');
  node = text.substr(0, dot);
  if (dot != std::string::npos) port = text.substr(dot + 1);
  if (node.empty() || (dot != std::string::npos && port.empty())) {
    f.error("bad-endpoint", key, "\"" + text + "\" is no endpoint", "write \"node\" or \"node.port\"");
    return;
  }
  if (!ids.has(node)) ids.expect(node, Path(path, key), span_inside(reading.text(), span, 0, node.size()));
}

Connection read_connection(ManifestReading& reading, JsonNode& entry, const Path& path, NodeIds& ids) {
  Connection c;
  c.pointer = path.pointer();
  c.span = entry.span;
  Fields f(reading, entry, path, kConnectionKeys, "a connection");
  read_endpoint(reading, f, path, "from", ids, c.from_node, c.from_port, c.from_span);
  read_endpoint(reading, f, path, "to", ids, c.to_node, c.to_port, c.to_span);
  if (JsonNode* queue = f.get("queue")) {
    c.has_queue = true;
    const Path at = f.at("queue");
    Fields q(reading, *queue, at, kQueueKeys, "a queue");
    if (uint64_t n; q.integer("items", 1, kMaxQueueItems, n)) c.queue.items = n;
    if (uint64_t n; q.integer("bytes", 1, kMaxQueueBytes, n)) c.queue.bytes = n;
    if (size_t i; q.choice("on_full", {"block", "drop_newest", "drop_oldest"}, i)) c.queue.on_full = static_cast<OnFull>(i);
  }
  if (JsonNode* batch = f.get("batch")) {
    const Path at = f.at("batch");
    Fields b(reading, *batch, at, kBatchKeys, "a batch");
    if (b.require("items")) b.integer("items", 1, kMaxBatchItems, c.batch.items);
    b.integer("linger_ms", 0, kMaxMilliseconds, c.batch.linger_ms);
  }
  return c;
}

}  // namespace

NodeIds::NodeIds(ManifestReading& reading) : reading_(reading) {
  ids_.reserve(reading.manifest().nodes.size());
  for (const NodeSettings& n : reading.manifest().nodes) {
    if (!n.id.empty()) ids_.insert(n.id);
  }
}

void NodeIds::expect(std::string_view id, const Path& path, Span span) {
  if (has(id) || ids_.empty()) return;  // that there are no nodes is reported already
  if (names_.empty()) names_.assign(ids_.begin(), ids_.end());
  reading_.error("unknown-node", path, span, "there is no node \"" + std::string(id) + "\"", reading_.suggestion(id, names_));
}

void read_connections(ManifestReading& reading, JsonNode& section, const Path& path, NodeIds& ids) {
  if (section.kind != JsonKind::kList) {
    reading.error("wrong-type", path, section.span, "\"connections\" must be a list, but this is " + std::string(name_of(section.kind)));
    return;
  }
  reading.manifest().connections.reserve(section.items.size());
  for (size_t i = 0; i < section.items.size(); ++i) {
    const Path at(path, i);
    reading.manifest().connections.push_back(read_connection(reading, section.items[i], at, ids));
  }
}

}  // namespace heddle
