#include "lanes/lane.h"

#include <algorithm>

namespace heddle {
namespace {

constexpr uint32_t kMaxWeight = 10'000;
constexpr uint64_t kMaxWindow = 1'000'000;  // a window remembers each start

}  // namespace

// Steps as published with a3s-lane's boosts of these names.
Boost standard_boost(uint64_t within_ns) { return {within_ns, {{75, 1}, {50, 2}, {25, 3}, {10, 4}}}; }
Boost aggressive_boost(uint64_t within_ns) { return {within_ns, {{80, 2}, {60, 4}, {40, 6}, {20, 8}}}; }

Result<void> check(const LaneConfig& c) {
  const auto refuse = [&](const std::string& why) { return Error("bad-lane", "lane \"" + c.name + "\": " + why, ErrorClass::kConfig); };
  if (c.name.empty()) return Error("bad-lane", "a lane needs a name", ErrorClass::kConfig);
  if (c.priority > 255) return refuse("priority " + std::to_string(c.priority) + " is over 255");
  if (c.max_concurrency == 0) return refuse("max_concurrency 0 would never run anything; to hold the lane, pause it");
  if (c.min_concurrency > c.max_concurrency) {
    return refuse("min_concurrency " + std::to_string(c.min_concurrency) + " is over max_concurrency " + std::to_string(c.max_concurrency));
  }
  if (c.weight == 0 || c.weight > kMaxWeight) return refuse("weight " + std::to_string(c.weight) + " is not 1 to " + std::to_string(kMaxWeight));
  if (c.depth == 0) return refuse("depth 0 would refuse every job");
  for (const RateLimit& rate : c.rates) {
    if (rate.count == 0 || rate.per_ns == 0) return refuse("a rate limit of 0 would never run anything");
    if (rate.kind == RateLimit::Kind::kWindow && rate.count > kMaxWindow) {
      return refuse("a sliding window remembers every start: at most " + std::to_string(kMaxWindow) + ", not " + std::to_string(rate.count));
    }
  }
  const auto falls = [](const Boost::Step& a, const Boost::Step& b) { return a.percent_left <= b.percent_left || a.levels >= b.levels; };
  const auto& steps = c.boost.steps;
  if (std::adjacent_find(steps.begin(), steps.end(), falls) != steps.end()) {
    return refuse("the steps of a boost must go on with less time left and more levels");
  }
  if (!steps.empty() && (steps.front().percent_left > 100 || c.boost.within_ns == 0)) return refuse("a boost needs a time, and at most 100 percent of it");
  return {};
}

}  // namespace heddle
