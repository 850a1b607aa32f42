// LaneSetup: a lane as the configuration file, and whoever changes it while the host runs, says it.
#pragma once
#include <string_view>

#include "lanes/job_spec.h"
#include "lanes/lane.h"
#include "result.h"
#include "value/value.h"

namespace heddle {

class Path;
class Reading;
struct JsonNode;

// A lane and what it adds to its jobs.
struct LaneSetup {
  LaneConfig lane = {};
  JobPolicy policy = {};
};

// What a lane is before anybody says anything about it: one of the host's own, or a new one.
LaneSetup default_setup(std::string_view name);

// One lane's settings in the form they have in the file: {"max_concurrency": 4, …}. What is not named stays as in `current`. Errors: "invalid", with the place.
Result<LaneSetup> read_lane_setup(std::string_view json, const LaneSetup& current);
// The same as part of a document: what is wrong is reported to `reading`.
void read_lane_setup(Reading& reading, JsonNode& value, const Path& path, LaneSetup& setup);

// The same form: every setting with its value in force.
Value lane_setup_json(const LaneSetup& setup);

}  // namespace heddle
