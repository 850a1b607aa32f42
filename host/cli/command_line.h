// The command line, read with CLI11. The only file that knows the library is command_line.cc.
#pragma once
#include "cli/arguments.h"

namespace heddle {

// Help and version are printed here, on stdout; every mistake is one line on stderr and ExitCode::kUsage.
CommandLine parse_command_line(int argc, char** argv);

}  // namespace heddle
