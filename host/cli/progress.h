// How a run's progress is written for people.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "pipeline/run.h"

namespace heddle {

struct ProgressView {
  RunProgress counts;
  uint64_t elapsed_ns = 0;
  double items_per_second = 0;
  std::optional<uint64_t> input_bytes;  // of the whole input, where that is known
  uint64_t bytes_read = 0;
};

// Fits into `columns`: "[=====>    ]  42 %  1,234 items  200/s  3 errors  ETA 0:12". Without a known size: no bar and no ETA.
std::string progress_bar(const ProgressView& view, unsigned columns);

// "1,234 items read, 1,200 written, 3 errors, 200 items/s"
std::string progress_line(const ProgressView& view);

std::string grouped(uint64_t n);               // 1,234,567
std::string short_duration(uint64_t seconds);  // 0:05, 12:34, 1:02:03

// The rate of a counter, smoothed over about the last two seconds.
class CounterRate {
 public:
  // `now_ns` does not go back.
  double update(uint64_t count, uint64_t now_ns);

 private:
  uint64_t count_ = 0, at_ns_ = 0;
  double per_second_ = 0;
  bool seen_ = false, at_first_ = true;
};

}  // namespace heddle
