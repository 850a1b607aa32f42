// What is said of a lane → what the scheduler is told of it.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "lanes/lane.h"
#include "manifest/lane_settings.h"
#include "value/value.h"

namespace heddle {

// Puts what is said over what the lane is.
void apply(const LaneSettings& said, LaneConfig& lane);

// Back into the form in which it is said: the members that are of LaneSettings, each with its value in force.
std::vector<std::pair<std::string, Value>> lane_members(const LaneConfig& lane);
// The same for people: "priority 2, min_concurrency 0, max_concurrency unlimited, …".
std::string lane_words(const LaneConfig& lane);

}  // namespace heddle
