#include "lanes/job_spec.h"

namespace heddle {

std::string_view name_of(JobState state) {
  static constexpr std::string_view kNames[] = {"blocked", "waiting", "running", "backing-off", "stranded", "ending", "done", "dead", "cancelled"};
  return kNames[static_cast<size_t>(state)];
}

}  // namespace heddle
