#include "lanes/rate.h"

#include <algorithm>

namespace heddle {

Rate::Rate(const RateLimit& limit) : limit_(limit) {
  if (limit_.burst == 0) limit_.burst = limit_.count;
}

uint64_t Rate::next(uint64_t now) const {
  if (limit_.kind == RateLimit::Kind::kWindow) {
    if (starts_.size() < limit_.count) return 0;
    const uint64_t free_at = starts_[oldest_] + limit_.per_ns;
    return free_at <= now ? 0 : free_at;
  }
  const auto saved = static_cast<unsigned __int128>(limit_.burst - 1) * limit_.per_ns;
  if (full_at_ <= static_cast<unsigned __int128>(now) * limit_.count + saved) return 0;
  return static_cast<uint64_t>((full_at_ - saved + limit_.count - 1) / limit_.count);
}

void Rate::charge(uint64_t now) {
  if (limit_.kind == RateLimit::Kind::kWindow) {
    if (starts_.size() < limit_.count) {
      starts_.push_back(now);
    } else {
      starts_[oldest_] = now;
      oldest_ = (oldest_ + 1) % starts_.size();
    }
    return;
  }
  full_at_ = std::max(full_at_, static_cast<unsigned __int128>(now) * limit_.count) + limit_.per_ns;
}

}  // namespace heddle
