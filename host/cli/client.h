// What the verbs that talk to a running host have in common: finding the host, saying what went wrong, waiting for a job.
#pragma once
#include <optional>
#include <string_view>

#include "cli/arguments.h"
#include "cli/host_client.h"
#include "cli/run_watch.h"

namespace heddle {

// Says why the host did not do what was asked; the answer's exit code.
ExitCode fail_with(const HostAnswer& answer, const GeneralArguments& general);

// Says it on stderr, unless -q.
void say(std::string_view line, const GeneralArguments& general);

// The body of an answer on stdout, as a line of JSON.
ExitCode print_json(const Value& body);

// Waits until the job is over, then prints its result (the whole job with --json). Progress goes to stderr where that is a terminal. A stop signal ends the wait and not
// the job, which is said.
ExitCode wait_for_job(HostClient& client, StopSignals& signals, uint64_t id, std::optional<uint64_t> timeout_ms, const GeneralArguments& general);

}  // namespace heddle
