#include <algorithm>

#include "manifest/import_v1.h"
#include "manifest/sections.h"
#include "manifest/utf8.h"

namespace heddle {
namespace {

constexpr std::string_view kNodeKeys[] = {"id", "node_type", "params", "is_output_node", "capabilities", "host", "execution"};
constexpr std::string_view kNullable[] = {"id",     "node_type", "params",       "is_output_node",     "capabilities",
                                          "host",   "execution", "is_streaming", "media_capabilities", "runtime_hint",
                                          "docker", "fast_path", "python_deps",  "python_env",         "executor",
                                          "config"};
constexpr std::string_view kCapabilityKeys[] = {"gpu", "cpu", "memory_gb"};
constexpr std::string_view kExecutionKeys[] = {"placement", "fallback"};
constexpr std::string_view kPlacements[] = {"local", "remote", "prefer_local", "prefer_remote", "auto"};

std::string as_name(std::string_view text) {
  std::string out;
  for (char c : text) out += is_name(std::string("_") + c) ? c : '_';
  if (!is_name(out)) out.insert(0, "_");
  return out;
}

}  // namespace

void V1Import::import_nodes() {
  JsonNode* nodes = find_member(root_, "nodes");
  if (!nodes || nodes->kind != JsonKind::kList) return;  // an error; the reader says so
  const Path path(path_, "nodes");
  for (const JsonNode& node : nodes->items) {
    const JsonNode* id = node.find("id");
    if (id && id->kind == JsonKind::kString && is_name(id->text)) used_ids_.insert(id->text);
  }
  for (size_t i = 0; i < nodes->items.size(); ++i) {
    if (nodes->items[i].kind == JsonKind::kMap) import_node(nodes->items[i], Path(path, i));
  }
  for (JsonNode& node : nodes->items) {
    JsonNode* execution = find_member(node, "execution");
    JsonNode* fallback = execution ? find_member(*execution, "fallback") : nullptr;
    if (!fallback) continue;
    if (const auto id = ids_.find(fallback->text); id != ids_.end()) fallback->text = id->second;
  }
}

void V1Import::import_node(JsonNode& node, const Path& path) {
  constexpr Rename kCamelCase[] = {{"nodeType", "node_type"},          {"isStreaming", "is_streaming"},
                                   {"isOutputNode", "is_output_node"}, {"mediaCapabilities", "media_capabilities"},
                                   {"runtimeHint", "runtime_hint"},    {"fastPath", "fast_path"},
                                   {"pythonDeps", "python_deps"},      {"pythonEnv", "python_env"}};
  rename(node, path, kCamelCase);
  drop_nulls(node, kNullable);
  constexpr Rename kOtherNames[] = {{"config", "params"}, {"type", "node_type"}, {"name", "id"}};
  rename(node, path, kOtherNames);
  import_id(node, path);
  import_capabilities(node, path);
  import_execution(node, path);
  for (JsonNode::Member& m : node.members) {
    if (m.key == "host" && m.value.kind == JsonKind::kString && !is_host_port(m.value.text))
      set_aside(node, path, m, "not of the form \"host:port\"");
  }
  const Path params_path(path, "params");
  if (JsonNode* params = find_member(node, "params")) {
    import_token(*params, params_path);
    note_references(*params, params_path, "");
  }
  set_aside_others(node, path, kNodeKeys);
}

void V1Import::import_id(JsonNode& node, const Path& path) {
  JsonNode* id = find_member(node, "id");
  if (!id || (id->kind != JsonKind::kString && id->kind != JsonKind::kNumber) || id->text.empty()) return;
  const bool is_known = ids_.contains(id->text);
  if (id->kind == JsonKind::kString && is_name(id->text)) {
    ids_.emplace(id->text, id->text);
    return;
  }
  std::string name = is_known ? ids_.find(id->text)->second : as_name(id->text);  // a duplicate stays one
  while (!is_known && used_ids_.contains(name)) name += '_';
  report(Path(path, "id"), "the id " + id->json() + " is written as \"" + name + "\"");
  ids_.emplace(id->text, name);
  used_ids_.insert(name);
  id->kind = JsonKind::kString;
  id->text = std::move(name);
}

void V1Import::import_capabilities(JsonNode& node, const Path& path) {
  JsonNode* capabilities = find_member(node, "capabilities");
  if (!capabilities || capabilities->kind != JsonKind::kMap) return;
  const Path at(path, "capabilities");
  constexpr Rename kCamelCase[] = {{"memoryGb", "memory_gb"}, {"memoryGB", "memory_gb"}};
  rename(*capabilities, at, kCamelCase);
  drop_nulls(*capabilities, kCapabilityKeys);
  set_aside_others(*capabilities, at, kCapabilityKeys);
  for (JsonNode::Member& m : capabilities->members) {
    if (!is_extension(m.key) && !is_capability(m.key, m.value)) set_aside(*capabilities, at, m, "not a capability that can be compared");
  }
}

void V1Import::import_execution(JsonNode& node, const Path& path) {
  JsonNode* execution = find_member(node, "execution");
  if (!execution) return;
  const Path at(path, "execution");
  auto is_placement = [](const JsonNode& v) {
    return v.kind == JsonKind::kString && std::find(std::begin(kPlacements), std::end(kPlacements), v.text) != std::end(kPlacements);
  };
  if (is_placement(*execution)) {
    report(at, "written as {\"placement\": \"" + execution->text + "\"}");
    JsonNode map;
    map.kind = JsonKind::kMap;
    map.span = execution->span;
    map.members.push_back({"placement", execution->span, std::move(*execution)});
    *execution = std::move(map);
  }
  if (execution->kind != JsonKind::kMap) {
    for (JsonNode::Member& m : node.members) {
      if (m.key == "execution") set_aside(node, path, m, "not a form that is known");
    }
    return;
  }
  drop_nulls(*execution, kExecutionKeys);
  set_aside_others(*execution, at, kExecutionKeys);
  for (JsonNode::Member& m : execution->members) {
    const bool is_wrong = (m.key == "placement" && !is_placement(m.value)) || (m.key == "fallback" && m.value.kind != JsonKind::kString);
    if (is_wrong) set_aside(*execution, at, m, "not a value that is known");
  }
}

// "$VAR" and "${VAR}" of a token are a variable of the environment.
void V1Import::import_token(JsonNode& params, const Path& path) {
  JsonNode* token = find_member(params, "auth_token");
  if (!token || token->kind != JsonKind::kString || !token->text.starts_with('$')) return;
  std::string_view name = std::string_view(token->text).substr(1);
  if (name.starts_with('{') && name.ends_with('}')) name = name.substr(1, name.size() - 2);
  if (!is_name(name) || name.find('-') != name.npos) return;
  const Path at(path, "auth_token");
  const std::string variable(name), written = "${env." + variable + "}";
  report(at, "written as \"" + written + "\"");
  reading_.keep_written(at, written);
  token->text = written;
  if (!reading_.options().substitute) return;
  const char* const value = reading_.takes_in() ? reading_.variable(variable) : nullptr;
  if (!reading_.takes_in()) {
    reading_.error("not-yours", at, token->span, "a manifest that is sent to a host takes in nothing of that host: \"" + written + "\"", "write the token before it is sent");
  } else if (!value) {
    reading_.error("unset-variable", at, token->span, "the environment variable " + variable + " is not set", "set it");
  } else if (!is_valid_utf8(value)) {
    reading_.error("unset-variable", at, token->span, "the environment variable " + variable + " is not valid UTF-8");
  } else {
    token->text = value;
    reading_.take_in(at, *token);
  }
}

// Other references of the older family belong to the node that gets them.
void V1Import::note_references(const JsonNode& value, const Path& path, std::string_view key) {
  if (value.kind == JsonKind::kString) {
    if (key != "auth_token" && value.text.find("${") != std::string::npos)
      report(path, "the reference in it is left to the node; in heddle/1 write ${env.NAME}");
  }
  for (size_t i = 0; i < value.items.size(); ++i) note_references(value.items[i], Path(path, i), key);
  for (const JsonNode::Member& m : value.members) note_references(m.value, Path(path, m.key), m.key);
}

}  // namespace heddle
