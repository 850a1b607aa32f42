// What `heddle top` shows, as text.
#pragma once
#include <cstdint>
#include <map>
#include <string>

#include "cli/lane_text.h"
#include "cli/progress.h"
#include "value/value.h"

namespace heddle {

// What the host said at one time.
struct TopSample {
  std::string address;
  Value host, lanes, running;  // GET /v1/host; the lists of lanes and of running jobs
  uint64_t at_ms = 0;          // Unix
};

// How fast each lane completes jobs: what one sample alone cannot say.
class TopRates {
 public:
  void update(const TopSample& sample, uint64_t now_ns);
  const LaneRates& rates() const { return rates_; }

 private:
  std::map<std::string, CounterRate, std::less<>> by_lane_;
  LaneRates rates_;
  bool seen_ = false;
};

// Lines of at most `columns`, at most `lines` of them (0: as many and as wide as it gets).
std::string top_screen(const TopSample& sample, const LaneRates& rates, size_t lines, size_t columns);

}  // namespace heddle
