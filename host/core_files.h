// Core files: what a crash leaves behind of the memory of the process, secrets and all.
#pragma once

namespace heddle {

// [any] From here on the process, and those it starts, leave none. For who has a secret in its memory. The hard limit stays as it is: who wants one for all that, gives it to the process (prlimit --core).
void leave_no_core_file() noexcept;

}  // namespace heddle
