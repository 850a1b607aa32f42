// Metrics: the state of the host as Prometheus reads it (text format 0.0.4).
#pragma once
#include <string>
#include <string_view>

#include "lanes/jobs.h"

namespace heddle {

// [any] `started_ms`: of the process, CLOCK_REALTIME.
std::string metrics_text(const Lanes& lanes, const Jobs& jobs, std::string_view version, uint64_t started_ms);

}  // namespace heddle
