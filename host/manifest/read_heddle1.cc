#include <algorithm>

#include "manifest/sections.h"
#include "manifest/substitute.h"

namespace heddle {
namespace {

constexpr std::string_view kDocumentKeys[] = {"version",  "metadata", "params",      "plugins", "lanes",
                                              "policies", "nodes",    "connections", "run",     "worker",   "tests"};
constexpr std::string_view kPluginKeys[] = {"name", "version"};
constexpr std::string_view kRunKeys[] = {"item_deadline_ms", "on_error", "drain_ms"};
constexpr std::string_view kTestKeys[] = {"name", "in", "expect"};
constexpr std::string_view kSubstituted[] = {"plugins", "lanes", "policies", "nodes", "connections", "run", "worker"};

// "1", "1.4" or "1.4.2".
bool is_version(std::string_view text) {
  for (int parts = 0; parts < 3; ++parts) {
    const size_t dot = text.find('.');
    uint64_t n = 0;
    if (!to_whole(text.substr(0, dot), n)) return false;
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
  return false;
}

// ">=1.0", "<2", "=1.4.2", joined by ",".
bool is_version_range(std::string_view text) {
  while (true) {
    const size_t comma = text.find(',');
    std::string_view part = text.substr(0, comma);
    while (part.starts_with(' ')) part.remove_prefix(1);
    while (part.ends_with(' ')) part.remove_suffix(1);
    const size_t digits = part.find_first_not_of("<>=");
    const std::string_view op = part.substr(0, digits);
    const bool is_operator = op == ">=" || op == "<=" || op == ">" || op == "<" || op == "=";
    if (!is_operator || digits == std::string_view::npos || !is_version(part.substr(digits))) return false;
    if (comma == std::string_view::npos) return true;
    text.remove_prefix(comma + 1);
  }
}

void read_metadata(ManifestReading& reading, JsonNode& section, const Path& path) {
  Manifest& m = reading.manifest();
  if (section.kind != JsonKind::kMap) {
    reading.error("wrong-type", path, section.span, "\"metadata\" must be a map, but this is " + std::string(name_of(section.kind)));
    return;
  }
  for (JsonNode::Member& member : section.members) {
    std::string* known = member.key == "name" ? &m.name : member.key == "description" ? &m.description : nullptr;
    if (!known)
      m.metadata.members.push_back(std::move(member));
    else if (member.value.kind == JsonKind::kString)
      *known = std::move(member.value.text);
    else
      reading.error("wrong-type", Path(path, member.key), member.value.span,
                    "\"" + member.key + "\" must be a string, but this is " + std::string(name_of(member.value.kind)));
  }
}

// {"node": [items]} of a test.
void read_items(ManifestReading& reading, JsonNode* section, const Path& path, NodeIds& ids, std::map<std::string, std::vector<std::string>>& out) {
  if (!section) return;
  for (JsonNode::Member& m : section->members) {
    const Path at(path, m.key);
    ids.expect(std::string_view(m.key).substr(0, m.key.find('.')), at, m.key_span);
    if (m.value.kind == JsonKind::kList)
      out.emplace(m.key, texts_of(m.value));
    else
      reading.error("wrong-type", at, m.value.span,
                    "the items of a test must be a list, but this is " + std::string(name_of(m.value.kind)));
  }
}

}  // namespace

std::vector<std::string> texts_of(const JsonNode& list) {
  std::vector<std::string> out;
  out.reserve(list.items.size());
  for (const JsonNode& item : list.items) out.push_back(item.json());
  return out;
}

void read_plugins(ManifestReading& reading, JsonNode& section, const Path& path) {
  if (section.kind != JsonKind::kList) {
    reading.error("wrong-type", path, section.span, "\"plugins\" must be a list, but this is " + std::string(name_of(section.kind)));
    return;
  }
  for (size_t i = 0; i < section.items.size(); ++i) {
    const Path at(path, i);
    PluginRequirement p;
    p.pointer = at.pointer();
    p.span = section.items[i].span;
    Fields f(reading, section.items[i], at, kPluginKeys, "a plugin");
    f.required_text("name", p.name);
    if (f.text("version", p.version) && !p.version.empty() && !reading.is_open(p.version) && !is_version_range(p.version)) {
      f.error("bad-version-range", "version", "\"" + p.version + "\" is no range of versions",
              "write one such as \">=1.0\", \"=1.4.2\" or \">=1.2,<2\"");
    }
    reading.manifest().plugins.push_back(std::move(p));
  }
}

void read_run(ManifestReading& reading, JsonNode& section, const Path& path) {
  RunSettings& run = reading.manifest().run;
  Fields f(reading, section, path, kRunKeys, "\"run\"");
  f.integer("item_deadline_ms", 0, kMaxMilliseconds, run.item_deadline_ms);
  f.integer("drain_ms", 0, kMaxMilliseconds, run.drain_ms);
  if (size_t i; f.choice("on_error", {"dead_letter", "fail"}, i)) run.on_error = static_cast<OnError>(i);
}

void read_tests(ManifestReading& reading, JsonNode& section, const Path& path, NodeIds& ids) {
  if (section.kind != JsonKind::kList) {
    reading.error("wrong-type", path, section.span, "\"tests\" must be a list, but this is " + std::string(name_of(section.kind)));
    return;
  }
  for (size_t i = 0; i < section.items.size(); ++i) {
    const Path at(path, i);
    TestCase test;
    test.pointer = at.pointer();
    test.span = section.items[i].span;
    Fields f(reading, section.items[i], at, kTestKeys, "a test");
    f.text("name", test.name);
    if (f.require("in")) read_items(reading, f.get_map("in"), f.at("in"), ids, test.in);
    if (f.require("expect")) read_items(reading, f.get_map("expect"), f.at("expect"), ids, test.expect);
    reading.manifest().tests.push_back(std::move(test));
  }
}

void read_heddle1(ManifestReading& reading, JsonNode& root, const Path& path) {
  Fields f(reading, root, path, kDocumentKeys, "a manifest");
  if (root.kind != JsonKind::kMap) return;
  ParamValues params;
  const Path params_path = f.at("params");
  if (JsonNode* section = f.get("params")) params = read_params(reading, *section, params_path);
  if (reading.options().substitute) {
    check_given_params(reading);
    Substitution substitution(reading, params);
    for (JsonNode::Member& m : root.members) {
      const bool is_data = std::find(std::begin(kSubstituted), std::end(kSubstituted), m.key) == std::end(kSubstituted);
      if (!is_data && !reading.imported) substitution.apply(m.value, Path(path, m.key));
    }
  }
  if (JsonNode* section = f.get("metadata")) read_metadata(reading, *section, f.at("metadata"));
  if (JsonNode* section = f.get("plugins")) read_plugins(reading, *section, f.at("plugins"));
  if (JsonNode* section = f.get("lanes")) read_lanes(reading, *section, f.at("lanes"));
  if (JsonNode* section = f.get("policies")) read_policies(reading, *section, f.at("policies"));
  if (JsonNode* section = f.require("nodes")) read_nodes(reading, *section, f.at("nodes"));
  NodeIds ids(reading);
  const Path connections(path, reading.connections);
  if (JsonNode* section = f.get("connections")) read_connections(reading, *section, connections, ids);
  if (JsonNode* section = f.get("run")) read_run(reading, *section, f.at("run"));
  if (JsonNode* section = f.get("worker")) read_worker(reading, *section, f.at("worker"), ids);
  if (JsonNode* section = f.get("tests")) read_tests(reading, *section, f.at("tests"), ids);
}

}  // namespace heddle
