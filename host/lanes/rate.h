// Rate: whether a lane's rate limits let a job start now, and when they will.
//
// A bucket is GCRA (ITU-T I.371) in integers: times are counted in 1/count of a nanosecond, so that no rate is rounded.
#pragma once
#include <cstdint>
#include <vector>

#include "lanes/lane.h"

namespace heddle {

class Rate {
 public:
  Rate() = default;
  explicit Rate(const RateLimit& limit);
  // 0: now. Else when.
  uint64_t next(uint64_t now) const;
  void charge(uint64_t now);

 private:
  RateLimit limit_;
  unsigned __int128 full_at_ = 0;  // bucket: when it will be full again, in 1/count ns
  std::vector<uint64_t> starts_;   // window: the last `count` starts, a ring
  size_t oldest_ = 0;
};

}  // namespace heddle
