// Jobs as people read them, from the JSON of GET /v1/jobs.
#pragma once
#include <cstdint>
#include <string>

#include "value/value.h"

namespace heddle {

// A line for each of `jobs`, a list. `columns` 0: not cut.
std::string job_table(const Value& jobs, uint64_t now_ms, size_t columns);

// The same for the dead: how often they were tried and why they failed.
std::string dead_table(const Value& jobs, uint64_t now_ms, size_t columns);

// All that is known of one.
std::string job_detail(const Value& job, uint64_t now_ms);

// "job 17 (resize) is running: 40 %, half way": one line, for a wait.
std::string job_progress(const Value& job);

// "job 17 (resize) failed after 3 attempts: no space left", of a job that is over and not done.
std::string job_failure(const Value& job);

}  // namespace heddle
