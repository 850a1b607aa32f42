// The verbs of the program, one file each (<verb>_command.cc). Data on stdout, everything else on stderr; the answer is the exit status.
#pragma once
#include "cli/arguments.h"

namespace heddle {

ExitCode run_command(const RunArguments& arguments, const GeneralArguments& general);
ExitCode validate_command(const ValidateArguments& arguments, const GeneralArguments& general);
ExitCode plan_command(const PlanArguments& arguments, const GeneralArguments& general);
ExitCode graph_command(const GraphArguments& arguments, const GeneralArguments& general);
ExitCode inspect_command(const InspectArguments& arguments, const GeneralArguments& general);
ExitCode check_command(const CheckArguments& arguments, const GeneralArguments& general);
ExitCode import_command(const ImportArguments& arguments, const GeneralArguments& general);
ExitCode new_command(const NewArguments& arguments, const GeneralArguments& general);
ExitCode schema_command(const GeneralArguments& general);
ExitCode test_command(const TestArguments& arguments, const GeneralArguments& general);
ExitCode serve_command(const ServeArguments& arguments, const GeneralArguments& general);
ExitCode config_command(const ConfigArguments& arguments, const GeneralArguments& general);
ExitCode exit_codes_command(const GeneralArguments& general);

// Those that talk to a running host: in heddle-client.
ExitCode submit_command(const ClientArguments& arguments, const GeneralArguments& general);
ExitCode jobs_command(const ClientArguments& arguments, const GeneralArguments& general);
ExitCode lanes_command(const ClientArguments& arguments, const GeneralArguments& general);
ExitCode dlq_command(const ClientArguments& arguments, const GeneralArguments& general);
ExitCode events_command(const ClientArguments& arguments, const GeneralArguments& general);
ExitCode top_command(const ClientArguments& arguments, const GeneralArguments& general);
ExitCode remotes_command(const ClientArguments& arguments, const GeneralArguments& general);
ExitCode tasks_command(const ClientArguments& arguments, const GeneralArguments& general);
ExitCode txs_command(const ClientArguments& arguments, const GeneralArguments& general);
ExitCode apply_command(const ClientArguments& arguments, const GeneralArguments& general);
ExitCode doctor_command(const ClientArguments& arguments, const GeneralArguments& general);

}  // namespace heddle
