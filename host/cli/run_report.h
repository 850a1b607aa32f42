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

// "12 items in, 10 out, 2 failed": by the run's input and output, and by sources and sinks among the nodes.
std::string counts_text(const Pipeline& pipeline, const RunReport& report);

// Dropped on a connection, or lost on the way to the output.
uint64_t dropped_items(const Pipeline& pipeline, const RunReport& report);

// "3 items left by ports that lead nowhere: r.b 1, r.c 2"; empty: none did.
std::string astray_text(const Pipeline& pipeline, const RunReport& report);

ExitCode exit_code_of(const RunReport& report, int signal);
// Of a run that could not start: files that cannot be had, params that a node refuses, or whatever else.
ExitCode exit_code_of_start(const Error& why);

// "keep.eu -> score", "input -> keep"
std::string edge_name(const Pipeline& pipeline, const PipelineEdge& edge);

// "score -> output", "keep.rest -> nowhere"
std::string exit_name(const Pipeline& pipeline, const PipelineExit& exit);

}  // namespace heddle
