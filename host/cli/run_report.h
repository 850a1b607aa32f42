// What a run did, for people and for programs.
#pragma once
#include <string>

#include "cli/exit_codes.h"
#include "pipeline/pipeline.h"
#include "pipeline/run.h"

namespace heddle {

// The counts of every connection and node as two tables, and whether they balance.
std::string stats_text(const Pipeline& pipeline, const RunReport& report);

// One JSON object, without a newline. `signal`: the one that stopped the run, or 0. `dead_letters`: where they are, or empty. `notes`: what
// a person would have been told before; `diagnostics`: those of the manifest, as JSON.
std::string report_json(const Pipeline& pipeline, const RunReport& report, int signal, const std::string& dead_letters,
                        const std::vector<std::string>& notes = {}, const std::string& diagnostics = "[]");

// "12 items in, 10 out, 2 failed"
std::string counts_text(const RunReport& report);

ExitCode exit_code_of(const RunReport& report, int signal);
// Of a run that could not start: files that cannot be had, params that a node refuses, or whatever else.
ExitCode exit_code_of_start(const Error& why);

// "keep.eu -> score", "input -> keep"
std::string edge_name(const Pipeline& pipeline, const PipelineEdge& edge);

}  // namespace heddle
