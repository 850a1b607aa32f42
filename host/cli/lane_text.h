// Lanes as people read them, from the JSON of GET /v1/lanes.
#pragma once
#include <map>
#include <string>

#include "value/value.h"

namespace heddle {

// Jobs per second of a lane, by its name; one that is absent is not known.
using LaneRates = std::map<std::string, double, std::less<>>;

// A line for each of `lanes`, a list. `columns` 0: not cut.
std::string lane_table(const Value& lanes, const LaneRates& rates, size_t columns);

// Settings, counts and times of one.
std::string lane_detail(const Value& lane);

}  // namespace heddle
