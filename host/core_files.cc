#include "core_files.h"

#include <sys/resource.h>

#include <atomic>

namespace heddle {

void leave_no_core_file() noexcept {
  static std::atomic<bool> done{false};
  if (done.exchange(true)) return;
  rlimit limit{};
  if (::getrlimit(RLIMIT_CORE, &limit) != 0) return;
  limit.rlim_cur = 0;
  static_cast<void>(::setrlimit(RLIMIT_CORE, &limit));
}

}  // namespace heddle
