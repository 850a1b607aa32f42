// What is said of a lane → what the scheduler is told of it.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "lanes/lane.h"
#include "manifest/lane_settings.h"
#include "value/value.h"

namespace heddle {

class Lanes;
struct Pipeline;

// Puts what is said over what the lane is.
void apply(const LaneSettings& said, LaneConfig& lane);

// Whether a job of the lane that waits for a run of the pipeline may wait for ever: the run needs places of that lane, they are limited, and
// such jobs hold them. Every run begins and ends on the lane "default", and reads its input there.
bool waits_for_itself(const Pipeline& pipeline, const std::string& lane, const Lanes& lanes);

// Back into the form in which it is said: the members that are of LaneSettings, each with its value in force.
std::vector<std::pair<std::string, Value>> lane_members(const LaneConfig& lane);
// The same for people: "priority 2, min_concurrency 0, max_concurrency unlimited, …".
std::string lane_words(const LaneConfig& lane);

}  // namespace heddle
