// LaneSettings: how a lane is scheduled, as a manifest and a configuration say it, in the same words. What is not said is not set.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "manifest/diagnostic.h"

namespace heddle {

class Fields;
class Path;
class Reading;
struct JsonNode;

// The lanes that are there without being named.
inline constexpr std::string_view kHostLanes[] = {"default", "system", "control", "query", "session", "skill", "prompt"};

struct BoostSettings {
  enum class Kind : uint8_t { kStandard, kAggressive, kCustom, kOff };
  struct Step {
    uint8_t percent_left = 0, levels = 0;
    bool operator==(const Step&) const = default;
  };
  Kind kind = Kind::kOff;
  uint64_t within_ms = 0;
  std::vector<Step> steps = {};  // of kCustom
  bool operator==(const BoostSettings&) const = default;
};

struct LaneSettings {
  std::string name = {};
  std::optional<uint32_t> priority = {}, min_concurrency = {}, weight = {};
  std::optional<uint32_t> max_concurrency = {};  // 0: no limit
  std::optional<BoostSettings> priority_boost = {};
  std::string pointer = {};
  Span span = {};
};

// Reads the members that are of LaneSettings. `fields` must know their keys.
void read_lane_settings(Reading& reading, Fields& fields, LaneSettings& out);
// A lane of a manifest, which says this and nothing else: what only means something for the jobs of a running host is refused with the reason.
void read_manifest_lane(Reading& reading, JsonNode& value, const Path& path, LaneSettings& out);

}  // namespace heddle
