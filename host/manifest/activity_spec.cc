#include "manifest/activity_spec.h"

#include <algorithm>
#include <set>

#include "manifest/reading.h"
#include "manifest/yaml.h"

namespace heddle {
namespace {

constexpr std::string_view kSpecKeys[] = {"name", "version", "activities"};
constexpr std::string_view kTaskKeys[] = {"task_kind", "task_version", "inputs", "outputs"};
constexpr std::string_view kActivityKeys[] = {"id", "name", "description", "worker", "num_workers", "quorum", "skip_on_prev_success", "require_gpu", "input_params", "output_params"};
constexpr std::string_view kParamKeys[] = {"name", "type", "description"};
constexpr uint64_t kMostWorkers = 10'000;

class SpecReading : public Reading {
 public:
  using Reading::Reading;
  bool takes_in() const override { return false; }
  bool is_open(std::string_view) const override { return true; }
};

// A version such as 1.0 is a number to YAML.
void take_as_text(JsonNode& map, std::initializer_list<std::string_view> keys) {
  for (JsonNode::Member& member : map.members) {
    if (member.value.kind == JsonKind::kNumber && std::find(keys.begin(), keys.end(), member.key) != keys.end()) member.value.kind = JsonKind::kString;
  }
}

ActivityParam read_param(Reading& reading, JsonNode& node, const Path& path, std::set<std::string>& names) {
  ActivityParam out;
  Fields f(reading, node, path, kParamKeys, "a parameter");
  std::string type;
  if (f.required_text("name", out.name) && out.name.empty()) f.error("bad-name", "name", "a parameter needs a name");
  else if (!out.name.empty() && !names.insert(out.name).second) f.error("duplicate-name", "name", "there is another parameter \"" + out.name + "\"");
  if (f.required_text("type", type)) {
    if (auto read = read_activity_type(type)) out.type = *std::move(read);
    else f.error("bad-type", "type", read.error().message);
  }
  f.text("description", out.description);
  return out;
}

std::vector<ActivityParam> read_params(Reading& reading, Fields& of, std::string_view key) {
  std::vector<ActivityParam> out;
  JsonNode* const list = of.get_list(key);
  if (!list) return out;
  std::set<std::string> names;
  const Path path = of.at(key);
  for (size_t i = 0; i < list->items.size(); ++i) out.push_back(read_param(reading, list->items[i], Path(path, i), names));
  return out;
}

ActivityKind read_activity(Reading& reading, JsonNode& node, const Path& path, const std::string& version) {
  ActivityKind out;
  take_as_text(node, {"id", "name"});
  Fields f(reading, node, path, kActivityKeys, "an activity");
  if (f.required_text("id", out.kind) && out.kind.empty()) f.error("bad-name", "id", "an activity needs an id");
  out.version = version;
  f.text("name", out.name);
  f.text("description", out.description);
  f.text("worker", out.worker);
  f.integer("num_workers", 1, kMostWorkers, out.workers);
  f.integer("quorum", 1, kMostWorkers, out.quorum);
  if (out.quorum > out.workers) f.error("out-of-range", "quorum", "a quorum of " + std::to_string(out.quorum) + " needs as many workers, and \"num_workers\" is " + std::to_string(out.workers));
  f.boolean("skip_on_prev_success", out.skip_on_prev_success);
  f.boolean("require_gpu", out.require_gpu);
  out.inputs = read_params(reading, f, "input_params");
  out.outputs = read_params(reading, f, "output_params");
  return out;
}

ActivitySpec read_task(Reading& reading, JsonNode& root) {
  const Path path;
  take_as_text(root, {"task_kind", "task_version"});
  Fields f(reading, root, path, kTaskKeys, "a task's spec");
  ActivityKind one;
  if (f.required_text("task_kind", one.kind) && one.kind.empty()) f.error("bad-name", "task_kind", "a task needs a kind");
  f.required_text("task_version", one.version);
  one.inputs = read_params(reading, f, "inputs");
  one.outputs = read_params(reading, f, "outputs");
  ActivitySpec out{.name = one.kind, .version = one.version, .activities = {}};
  out.activities.push_back(std::move(one));
  return out;
}

ActivitySpec read_list(Reading& reading, JsonNode& root) {
  ActivitySpec out;
  const Path path;
  take_as_text(root, {"name", "version"});
  Fields f(reading, root, path, kSpecKeys, "an activity spec");
  f.required_text("name", out.name);
  f.required_text("version", out.version);
  if (!f.require("activities")) return out;
  JsonNode* const list = f.get_list("activities");
  if (!list) return out;
  if (list->items.empty()) f.error("empty", "activities", "there is no activity");
  const Path activities = f.at("activities");
  for (size_t i = 0; i < list->items.size(); ++i) {
    const Path at(activities, i);
    ActivityKind one = read_activity(reading, list->items[i], at, out.version);
    if (!one.kind.empty() && out.find(one.kind)) {
      const JsonNode* const id = list->items[i].find("id");
      reading.error("duplicate-name", Path(at, "id"), id ? id->span : list->items[i].span, "there is another activity \"" + one.kind + "\"");
    }
    out.activities.push_back(std::move(one));
  }
  return out;
}

}  // namespace

const ActivityKind* ActivitySpec::find(std::string_view kind) const {
  const auto found = std::find_if(activities.begin(), activities.end(), [&](const ActivityKind& one) { return one.kind == kind; });
  return found == activities.end() ? nullptr : &*found;
}

std::optional<ActivitySpec> read_activity_spec(std::string_view text, const std::string& file, Diagnostics& diagnostics) {
  JsonNode root;
  if (!parse_yaml(text, root, diagnostics)) return std::nullopt;
  SpecReading reading(text, file, diagnostics);
  const bool is_task = root.find("task_kind") || root.find("task_version") || root.find("inputs") || root.find("outputs");
  ActivitySpec spec = is_task && !root.find("activities") ? read_task(reading, root) : read_list(reading, root);
  if (diagnostics.has_errors()) return std::nullopt;
  return spec;
}

}  // namespace heddle
