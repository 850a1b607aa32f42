#include "pipeline/lane_config.h"

#include <algorithm>

#include "clock.h"
#include "lanes/lanes.h"
#include "pipeline/pipeline.h"
#include "value/json_value.h"

namespace heddle {
namespace {

Boost boost_of(const BoostSettings& said) {
  const uint64_t within_ns = said.within_ms * kNsPerMs;
  switch (said.kind) {
    case BoostSettings::Kind::kStandard: return standard_boost(within_ns);
    case BoostSettings::Kind::kAggressive: return aggressive_boost(within_ns);
    case BoostSettings::Kind::kOff: return {};
    case BoostSettings::Kind::kCustom: break;
  }
  Boost out{within_ns, {}};
  for (const BoostSettings::Step& step : said.steps) out.steps.push_back({step.percent_left, step.levels});
  return out;
}

Value boost_json(const Boost& boost) {
  if (boost.within_ns == 0) return json_object({{"kind", json_text("off")}});
  const Value within = json_count(boost.within_ns / kNsPerMs);
  if (boost == standard_boost(boost.within_ns)) return json_object({{"kind", json_text("standard")}, {"within_ms", within}});
  if (boost == aggressive_boost(boost.within_ns)) return json_object({{"kind", json_text("aggressive")}, {"within_ms", within}});
  std::vector<Value> steps;
  for (const Boost::Step& step : boost.steps) {
    steps.push_back(json_object({{"percent_left", json_count(step.percent_left)}, {"levels", json_count(step.levels)}}));
  }
  return json_object({{"kind", json_text("custom")}, {"within_ms", within}, {"steps", Value::list(std::move(steps))}});
}

}  // namespace

void apply(const LaneSettings& said, LaneConfig& lane) {
  if (said.priority) lane.priority = *said.priority;
  if (said.min_concurrency) lane.min_concurrency = *said.min_concurrency;
  if (said.max_concurrency) lane.max_concurrency = *said.max_concurrency > 0 ? *said.max_concurrency : LaneConfig::kNoLimit;
  if (said.weight) lane.weight = *said.weight;
  if (said.priority_boost) lane.boost = boost_of(*said.priority_boost);
}

std::vector<std::pair<std::string, Value>> lane_members(const LaneConfig& lane) {
  return {{"priority", json_count(lane.priority)},
          {"min_concurrency", json_count(lane.min_concurrency)},
          {"max_concurrency", lane.max_concurrency == LaneConfig::kNoLimit ? Value::null() : json_count(lane.max_concurrency)},
          {"weight", json_count(lane.weight)},
          {"priority_boost", boost_json(lane.boost)}};
}

std::string lane_words(const LaneConfig& lane) {
  std::string out;
  for (const auto& [key, value] : lane_members(lane)) out += (out.empty() ? "" : ", ") + key + " " + (value.kind() == HEDDLE_NULL ? "unlimited" : value.json());
  return out;
}

bool waits_for_itself(const Pipeline& pipeline, const std::string& lane_name, const Lanes& lanes) {
  const auto& stages = pipeline.stages;
  const auto lane = lanes.find(lane_name);
  return lane && lanes.config(*lane).max_concurrency != LaneConfig::kNoLimit &&
         (lane_name == "default" || std::any_of(stages.begin(), stages.end(), [&](const PipelineStage& stage) { return stage.lane == lane_name; }));
}

}  // namespace heddle
