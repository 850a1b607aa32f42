#include "manifest/import_v1.h"

#include <algorithm>
#include <filesystem>

#include "manifest/substitute.h"

namespace heddle {
namespace {

constexpr std::string_view kUsedKeys[] = {"version", "metadata", "nodes", "connections"};
constexpr std::string_view kUsedConnectionKeys[] = {"from", "to"};
constexpr std::string_view kConnectionKeys[] = {"from", "to", "from_port", "to_port", "source", "target"};
constexpr std::string_view kNotUsed[] = {"config",       "python_env", "executor",  "is_streaming", "media_capabilities",
                                         "runtime_hint", "docker",     "fast_path", "python_deps",  "field_mapping"};

JsonNode container(JsonKind kind) {
  JsonNode node;
  node.kind = kind;
  return node;
}

}  // namespace

JsonNode* find_member(JsonNode& map, std::string_view key) {
  for (JsonNode::Member& m : map.members) {
    if (m.key == key) return &m.value;
  }
  return nullptr;
}

void erase_member(JsonNode& map, std::string_view key) {
  std::erase_if(map.members, [key](const JsonNode::Member& m) { return m.key == key; });
}

JsonNode text_node(std::string text, Span span) {
  JsonNode node;
  node.kind = JsonKind::kString;
  node.text = std::move(text);
  node.span = span;
  return node;
}

void V1Import::run() {
  reading_.imported = true;
  constexpr Rename kRenames[] = {{"pythonEnv", "python_env"}};
  rename(root_, path_, kRenames);
  drop_nulls(root_, kUsedKeys);
  import_metadata();
  import_nodes();
  import_connections();
  set_aside_others(root_, path_, kUsedKeys);
  const Path document;
  for (JsonNode::Member& m : root_.members) {
    if (m.key == "nodes" || m.key == "connections") escape(m.value, Path(document, m.key), false);
  }
}

void V1Import::import_metadata() {
  if (!find_member(root_, "metadata")) {
    const std::string stem = std::filesystem::path(reading_.file()).stem().string();
    root_.members.push_back({"metadata", {}, container(JsonKind::kMap)});
    if (!find_member(root_, "name") && !stem.empty()) {
      root_.members.back().value.members.push_back({"name", {}, text_node(stem, {})});
      report(path_, "there is no metadata; the pipeline is named \"" + stem + "\" after its file");
    }
  }
  move_into_metadata("name");
  move_into_metadata("description");
  const Path at(path_, "metadata");
  for (JsonNode::Member& m : find_member(root_, "metadata")->members) {
    if ((m.key != "name" && m.key != "description") || m.value.kind == JsonKind::kString) continue;
    report(Path(at, m.key), "it is no string; its JSON text is taken");
    m.value = text_node(m.value.json(), m.value.span);
  }
}

void V1Import::move_into_metadata(std::string_view key) {
  const JsonNode* value = find_member(root_, key);
  const JsonNode* metadata = find_member(root_, "metadata");
  if (!value || metadata->kind != JsonKind::kMap || metadata->find(key))
    return;  // set aside with the other keys, or an error of the reader's
  JsonNode moved = *value;
  erase_member(root_, key);
  report(Path(path_, key), "moved into \"metadata\"");
  find_member(root_, "metadata")->members.push_back({std::string(key), moved.span, moved});
}

void V1Import::import_connections() {
  JsonNode* edges = find_member(root_, "edges");
  JsonNode* connections = find_member(root_, "connections");
  if (edges && !connections) {
    reading_.connections = "edges";
    constexpr Rename kRenames[] = {{"edges", "connections"}};
    rename(root_, path_, kRenames);
    drop_nulls(root_, kUsedKeys);
  } else if (edges && edges->kind == JsonKind::kList && connections->kind == JsonKind::kList) {
    report(Path(path_, "edges"), "put behind the connections");
    for (JsonNode& edge : edges->items) connections->items.push_back(std::move(edge));
    erase_member(root_, "edges");
  }
  JsonNode* list = find_member(root_, "connections");
  if (!list) return chain_nodes();
  const Path path(path_, reading_.connections);
  for (size_t i = 0; i < list->items.size(); ++i) {
    if (list->items[i].kind == JsonKind::kMap) import_connection(list->items[i], Path(path, i));
  }
}

void V1Import::import_connection(JsonNode& connection, const Path& path) {
  constexpr Rename kRenames[] = {
      {"fromPort", "from_port"},        {"toPort", "to_port"},      {"sourcePort", "from_port"}, {"targetPort", "to_port"},
      {"source_port", "from_port"},     {"target_port", "to_port"}, {"source", "from"},          {"target", "to"},
      {"fieldMapping", "field_mapping"}};
  rename(connection, path, kRenames);
  drop_nulls(connection, kConnectionKeys);
  import_endpoint(connection, path, "from", "from_port");
  import_endpoint(connection, path, "to", "to_port");
  set_aside_others(connection, path, kUsedConnectionKeys);
}

void V1Import::import_endpoint(JsonNode& connection, const Path& path, std::string_view key, std::string_view port_key) {
  JsonNode* end = find_member(connection, key);
  if (!end) return;
  if (end->kind == JsonKind::kNumber) {
    report(Path(path, key), "the number " + end->text + " is read as a node id");
    end->kind = JsonKind::kString;
  }
  if (end->kind != JsonKind::kString) return;  // an error; the reader says so
  std::string text = endpoint(end->text);
  const JsonNode* port = find_member(connection, port_key);
  if (port && port->kind == JsonKind::kString && (port->text == "default" || port->text.empty())) {
    erase_member(connection, port_key);
  } else if (port && port->kind == JsonKind::kString && text.find('.') == std::string::npos) {
    text += '.' + port->text;
    report(Path(path, port_key), "written as \"" + text + "\"");
    erase_member(connection, port_key);
  }
  find_member(connection, key)->text = std::move(text);
}

// "node" or "node.port" with the ids of the text, which may hold dots themselves.
std::string V1Import::endpoint(const std::string& text) const {
  if (const auto id = ids_.find(text); id != ids_.end()) return id->second;
  for (size_t dot = text.rfind('.'); dot != std::string::npos && dot > 0; dot = text.rfind('.', dot - 1)) {
    if (const auto id = ids_.find(std::string_view(text).substr(0, dot)); id != ids_.end()) return id->second + text.substr(dot);
  }
  return text;
}

// A file of that family without connections is a list of steps.
void V1Import::chain_nodes() {
  JsonNode list = container(JsonKind::kList);
  const JsonNode* nodes = find_member(root_, "nodes");
  if (!nodes) return;
  const JsonNode* last = nullptr;
  for (const JsonNode& node : nodes->items) {
    const JsonNode* id = node.find("id");
    if (!id || id->kind != JsonKind::kString || id->text.empty()) continue;
    if (last) {
      JsonNode& connection = list.items.emplace_back(container(JsonKind::kMap));
      connection.members.push_back({"from", {}, text_node(last->text, {})});
      connection.members.push_back({"to", {}, text_node(id->text, {})});
    }
    last = id;
  }
  if (list.items.empty()) return;
  report(path_, "there are no connections; the " + std::to_string(list.items.size() + 1) +
                    " nodes are connected in the order in which they stand");
  root_.members.push_back({"connections", {}, std::move(list)});
}

void V1Import::rename(JsonNode& map, const Path& path, Renames renames) {
  for (JsonNode::Member& m : map.members) {
    const auto found = std::find_if(renames.begin(), renames.end(), [&](const Rename& r) { return r.from == m.key; });
    if (found == renames.end() || find_member(map, found->to)) continue;
    if (reported_renames_.emplace(found->from).second)
      report(Path(path, m.key), "read as \"" + std::string(found->to) + "\", here and wherever else it stands");
    m.key = found->to;
  }
}

void V1Import::drop_nulls(JsonNode& map, Keys keys) {
  std::erase_if(map.members, [keys](const JsonNode::Member& m) {
    return m.value.kind == JsonKind::kNull && std::find(keys.begin(), keys.end(), m.key) != keys.end();
  });
}

void V1Import::set_aside_others(JsonNode& map, const Path& path, Keys keys) {
  for (JsonNode::Member& m : map.members) {
    if (std::find(keys.begin(), keys.end(), m.key) != keys.end() || is_extension(m.key)) continue;
    const bool is_known = std::find(std::begin(kNotUsed), std::end(kNotUsed), m.key) != std::end(kNotUsed);
    set_aside(map, path, m, is_known ? "not used here" : "a key of its own");
  }
}

void V1Import::set_aside(JsonNode& map, const Path& path, JsonNode::Member& member, std::string_view why) {
  std::string key = "x-" + member.key;
  const auto stands = [&key](const JsonNode::Member& m) { return m.key == key; };
  // Keys that were there already stay what they are. Beyond a sane number of members the search would cost too much, and the text is a
  // broken one.
  while (map.members.size() < 1'000 && std::any_of(map.members.begin(), map.members.end(), stands)) key += '_';
  report(Path(path, member.key), std::string(why) + "; kept as \"" + key + "\"");
  member.key = std::move(key);
}

void V1Import::escape(const JsonNode& node, const Path& path, bool in_params) {
  if (node.kind == JsonKind::kString && node.text.find("${") != std::string::npos) {
    reading_.manifest().written.emplace(path.pointer(), escape_references(node.text));
  }
  for (size_t i = 0; i < node.items.size(); ++i) escape(node.items[i], Path(path, i), in_params);
  for (const JsonNode::Member& m : node.members) {
    if (in_params || !is_extension(m.key)) escape(m.value, Path(path, m.key), in_params || m.key == "params");
  }
}

void V1Import::report(const Path& path, std::string sentence) {
  std::string where = path.pointer();
  if (where.empty()) where = "the manifest";
  reading_.manifest().import_report.push_back(where + ": " + std::move(sentence) + ".");
}

}  // namespace heddle
