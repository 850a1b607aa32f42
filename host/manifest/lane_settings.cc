#include "manifest/lane_settings.h"

#include <algorithm>

#include "manifest/reading.h"

namespace heddle {
namespace {

constexpr std::string_view kManifestKeys[] = {"priority", "min_concurrency", "max_concurrency", "weight", "priority_boost"};
constexpr std::string_view kBoostKeys[] = {"kind", "within_ms", "steps"}, kStepKeys[] = {"percent_left", "levels"};
constexpr uint64_t kMaxPriority = 255, kMaxConcurrency = 65'536, kMaxWeight = 10'000;

// What a lane of a running host has beside: it is about the jobs that are submitted to it, and the nodes of a pipeline are none.
struct JobSetting {
  std::string_view key, does, instead;
};
constexpr std::string_view kToldByHosts = "write it in the configuration of `heddle serve`";
constexpr JobSetting kJobSettings[] = {
    {"depth", "bounds the jobs that wait for a lane", "what waits between two nodes is bounded by the \"queue\" of their connection"},
    {"when_full", "says what becomes of a job that finds its lane full", "say \"on_full\" in the \"queue\" of a connection"},
    {"order", "puts the jobs of a lane into the order of their priorities or keys", "the items of a node stay in the order that the \"order\" of the node says"},
    {"rate_limits", "counts the jobs that start, and a node takes as many items as wait each time it starts", "bound what runs at once with \"max_concurrency\""},
    {"pressure_threshold", "tells of jobs that pile up", kToldByHosts},
    {"alerts", "tells of jobs that wait or fail", kToldByHosts},
    {"preemptible", "sends running jobs back into their lane", "give the lane a \"priority\" or a \"max_concurrency\" that leaves room for others"},
    {"durability", "keeps jobs in the store of a running host; nothing of a run outlives it", kToldByHosts},
    {"timeout_ms", "ends an attempt of a job", "say \"timeout_ms\" at the node, or \"attempt_timeout_ms\" in its policy"},
    {"grace_ms", "is how long a job that was told to stop may go on", "\"drain_ms\" in \"run\" says how long the end of a run waits"},
    {"retry", "tries a failed job again", "say \"retry\" in a policy, and name the policy at the node"},
};

// Reports and takes out what is about jobs alone.
void refuse_job_settings(Reading& reading, JsonNode& value, const Path& path) {
  std::erase_if(value.members, [&](const JsonNode::Member& m) {
    const auto found = std::find_if(std::begin(kJobSettings), std::end(kJobSettings), [&](const JobSetting& s) { return s.key == m.key; });
    if (found == std::end(kJobSettings)) return false;
    reading.error("only-of-jobs", Path(path, m.key), m.key_span,
                  "\"" + m.key + "\" " + std::string(found->does) + ": it means nothing for the nodes of a pipeline", std::string(found->instead));
    return true;
  });
}

BoostSettings::Step read_step(Reading& reading, JsonNode& value, const Path& path) {
  BoostSettings::Step out;
  Fields f(reading, value, path, kStepKeys, "a step of a boost");
  if (f.require("percent_left")) f.integer("percent_left", 0, 100, out.percent_left);
  if (f.require("levels")) f.integer("levels", 1, kMaxPriority, out.levels);
  return out;
}

BoostSettings read_boost(Reading& reading, JsonNode& value, const Path& path) {
  using Kind = BoostSettings::Kind;
  BoostSettings out;
  Fields f(reading, value, path, kBoostKeys, "a priority boost");
  size_t kind = 0;
  const bool is_known = f.require("kind") && f.choice("kind", {"standard", "aggressive", "custom", "off"}, kind);
  if (is_known) out.kind = static_cast<Kind>(kind);
  f.integer("within_ms", 1, kMaxMilliseconds, out.within_ms);
  JsonNode* const steps = f.get_list("steps");
  const Path at = f.at("steps");
  for (size_t i = 0; steps && i < steps->items.size(); ++i) out.steps.push_back(read_step(reading, steps->items[i], Path(at, i)));
  if (!is_known) return out;
  if (out.kind == Kind::kCustom) f.require("steps");
  else if (f.get("steps")) f.error("unknown-key", "steps", "only a boost of the kind \"custom\" has \"steps\" of its own");
  if (out.kind != Kind::kOff) f.require("within_ms");
  else if (f.get("within_ms")) f.error("unknown-key", "within_ms", "a boost that is off has no time");
  return out;
}

}  // namespace

void read_lane_settings(Reading& reading, Fields& f, LaneSettings& out) {
  const auto whole = [&](std::string_view key, uint64_t min, uint64_t max, std::optional<uint32_t>& target) {
    if (uint32_t value; f.integer(key, min, max, value)) target = value;
  };
  whole("priority", 0, kMaxPriority, out.priority);
  whole("min_concurrency", 0, kMaxConcurrency, out.min_concurrency);
  const JsonNode* const most = f.get("max_concurrency");
  if (most && most->kind == JsonKind::kNull) out.max_concurrency = 0;
  else whole("max_concurrency", 1, kMaxConcurrency, out.max_concurrency);
  whole("weight", 1, kMaxWeight, out.weight);
  if (JsonNode* const value = f.get("priority_boost")) {
    const size_t errors_before = reading.diagnostics().errors();
    BoostSettings boost = read_boost(reading, *value, f.at("priority_boost"));
    if (reading.diagnostics().errors() == errors_before) out.priority_boost = std::move(boost);
  }
}

void read_manifest_lane(Reading& reading, JsonNode& value, const Path& path, LaneSettings& out) {
  refuse_job_settings(reading, value, path);
  Fields f(reading, value, path, kManifestKeys, "a lane");
  read_lane_settings(reading, f, out);
}

}  // namespace heddle
