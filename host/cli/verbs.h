// The verbs of the program, one file each (<verb>_command.cc). Data on stdout, everything else on stderr; the answer is the exit status.
#pragma once
#include "cli/arguments.h"

namespace heddle {

ExitCode run_command(const RunArguments& arguments, const CommonArguments& common);
ExitCode validate_command(const ValidateArguments& arguments, const CommonArguments& common);
ExitCode plan_command(const PlanArguments& arguments, const CommonArguments& common);
ExitCode graph_command(const GraphArguments& arguments, const CommonArguments& common);
ExitCode inspect_command(const InspectArguments& arguments, const CommonArguments& common);
ExitCode import_command(const ImportArguments& arguments, const CommonArguments& common);
ExitCode schema_command(const CommonArguments& common);
ExitCode test_command(const TestArguments& arguments, const CommonArguments& common);
ExitCode exit_codes_command(const CommonArguments& common);

}  // namespace heddle
