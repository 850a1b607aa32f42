// The program that talks to running hosts. It is one of its own, because what it needs for that (libcurl and some thirty libraries behind it) costs 3 ms at each
// start, which `heddle run` is not to pay.
#pragma once
#include "cli/exit_codes.h"

namespace heddle {

// This process becomes heddle-client, with the same arguments. Returns only where that fails, after saying why.
ExitCode become_client(char** arguments, bool json);

}  // namespace heddle
